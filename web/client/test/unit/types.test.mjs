// index.d.ts, by a program that uses it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript";

import * as client from "../../src/index.js";
import * as msgpack from "../../src/msgpack/parser.js";

const declarations = fileURLToPath(new URL("../../index.d.ts", import.meta.url));
const msgpackDeclarations = fileURLToPath(new URL("../../msgpack.d.ts", import.meta.url));
const usage = fileURLToPath(new URL("../types/usage.ts", import.meta.url));

const program = ts.createProgram([usage], {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
  types: [],
});

test("a typical program compiles, its mistakes are found", () => {
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const name = file?.fileName.split("/").at(-1);
    return `${name}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
  assert.deepEqual(problems, []);
});

/** Values (not types) that the declarations export. */
function declaredValues(file = declarations) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  return checker.getExportsOfModule(checker.getSymbolAtLocation(source)).filter((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return target.flags & ts.SymbolFlags.Value;
  });
}

test("what the modules export is declared", () => {
  const declared = declaredValues().map(({ name }) => name);
  for (const name of Object.keys(client)) assert.ok(declared.includes(name), name);
  const ofParser = declaredValues(msgpackDeclarations).map(({ name }) => name);
  assert.deepEqual(Object.keys(msgpack).sort(), ofParser.sort());
});

test("what is declared on Socket and Manager exists", () => {
  const checker = program.getTypeChecker();
  const manager = new client.Manager("http://127.0.0.1", { autoConnect: false });
  const objects = { Socket: manager.socket("/"), Manager: manager };
  // Set with the first connection only.
  const later = new Set(["engine"]);
  for (const symbol of declaredValues().filter(({ name }) => name in objects)) {
    const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    assert.ok(members.length > 10);
    for (const { name } of members) {
      if (!later.has(name)) assert.ok(name in objects[symbol.name], `${symbol.name}.${name}`);
    }
  }
});

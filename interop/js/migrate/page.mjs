// What docs/migrate.md says, and whether the programs hold it.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const HERE = import.meta.dirname;
const ROOT = path.join(HERE, "../../..");
const PAGE = readFileSync(path.join(ROOT, "docs/migrate.md"), "utf8");

/** The programs without their comments. */
const PROGRAMS = {
  node: program(path.join(HERE, "reference"), ".mjs"),
  rust: program(path.join(ROOT, "interop/migrate-server/src"), ".rs"),
};

/** Up to so many characters stand behind a `…` of the page. */
const ELLIPSIS = "[^]{0,160}?";

/** The rows of all tables: their names, which are their first cells, and their two lines of code. */
export function rows() {
  const lines = PAGE.split("\n").filter((line) => /^\| (?!---|Node \|)/.test(line));
  return lines.map((line) => {
    const [left, right] = line.slice(2, -2).split(" | ").map((cell) => cell.replaceAll("\\|", "|"));
    const [node, rust] = [left, right].map((cell) => /`([^`]+)`/.exec(cell)?.[1]);
    return { name: left.replaceAll("`", ""), node, rust };
  });
}

/** The blocks of Rust. */
export function blocks() {
  return [...PAGE.matchAll(/\n```rust\n([^]*?)\n```/g)].map(([, block]) => block);
}

/** Whether a program, `node` or `rust`, has this code; white space and last commas aside. */
export function holds(language, code) {
  if (!code) {
    return false;
  }
  const pieces = bare(code).split("…").map(escape);
  return new RegExp(pieces.join(ELLIPSIS)).test(PROGRAMS[language]);
}

function program(folder, kind) {
  const names = readdirSync(folder).filter((name) => name.endsWith(kind));
  const texts = names.map((name) => readFileSync(path.join(folder, name), "utf8"));
  return bare(texts.join("\n").replace(/^\s*\/\/.*$/gm, ""));
}

/** Without what a formatter may change. */
function bare(code) {
  return code.replace(/\s+/g, "").replace(/,([)\]}])/g, "$1");
}

const escape = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

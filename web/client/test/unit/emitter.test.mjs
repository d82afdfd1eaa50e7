// The emitter, and what happens when the application's code throws.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../../src/emitter.js";

test("a listener that throws stops no other, and is not hidden", async (t) => {
  // The test runner listens too, and would take the exception for its own.
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  t.after(() => others.forEach((listener) => process.on("uncaughtException", listener)));
  const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
  const emitter = new Emitter();
  const heard = [];
  emitter.on("a", () => {
    throw new Error("of the application");
  });
  emitter.on("a", (value) => heard.push(value));
  emitter.emit("a", 1);
  assert.deepEqual(heard, [1]);
  assert.equal((await thrown).message, "of the application");
});

test("listeners that change the list while it is called", () => {
  const emitter = new Emitter();
  const heard = [];
  const last = () => heard.push("last");
  emitter.once("a", () => {
    heard.push("first");
    emitter.off("a", last);
    emitter.on("a", () => heard.push("new"));
  });
  emitter.on("a", last);
  emitter.emit("a");
  assert.deepEqual(heard, ["first", "last"], "those of this moment are called");
  emitter.emit("a");
  assert.deepEqual(heard, ["first", "last", "new"]);
});

test("a once listener is gone before its call", () => {
  const emitter = new Emitter();
  let calls = 0;
  emitter.once("a", () => {
    calls++;
    if (calls < 3) emitter.emit("a");
  });
  emitter.emit("a");
  assert.equal(calls, 1);
  assert.equal(emitter.hasListeners("a"), false);
});

test("off: one, all of an event, all", () => {
  const emitter = new Emitter();
  const one = () => {};
  emitter.on("a", one).on("a", one).once("a", one).on("b", one);
  emitter.off("a", one);
  assert.equal(emitter.listeners("a").length, 2);
  emitter.off("a", () => {});
  assert.equal(emitter.listeners("a").length, 2);
  emitter.off("a");
  assert.equal(emitter.hasListeners("a"), false);
  emitter.removeAllListeners();
  assert.equal(emitter.hasListeners("b"), false);
});

test("numbers and their digits are one event; symbols and prototype names work", () => {
  const emitter = new Emitter();
  const heard = [];
  const symbol = Symbol("s");
  for (const name of [5, symbol, "__proto__", "constructor"]) {
    emitter.on(name, () => heard.push(name));
  }
  emitter.emit("5");
  emitter.emit(symbol);
  emitter.emit("__proto__");
  emitter.emit("constructor");
  emitter.emit("toString");
  assert.deepEqual(heard, [5, symbol, "__proto__", "constructor"]);
});

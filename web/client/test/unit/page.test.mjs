// What the page tells: a page is made before the module is loaded.

import assert from "node:assert/strict";
import { test } from "node:test";

const listeners = new Map();
globalThis.addEventListener = (event, listener) => {
  listeners.set(event, [...(listeners.get(event) ?? []), listener]);
};
globalThis.removeEventListener = (event, listener) => {
  listeners.set(
    event,
    (listeners.get(event) ?? []).filter((other) => other !== listener),
  );
};
const tell = (event) => (listeners.get(event) ?? []).forEach((listener) => listener());

const { watchPage } = await import("../../src/engine/page.js");
const { Engine } = await import("../../src/engine/engine.js");

test("offline ends connections, except those to this machine", () => {
  const heard = [];
  const watch = (hostname) =>
    watchPage({ hostname }, { offline: () => heard.push(hostname), unload: () => {} });
  const ends = ["host.test", "localhost", "127.0.0.1", "[::1]"].map(watch);
  tell("offline");
  assert.deepEqual(heard, ["host.test"]);
  ends.forEach((end) => end());
  tell("offline");
  assert.deepEqual(heard, ["host.test"]);
});

test("beforeunload is watched on request only", () => {
  let unloads = 0;
  const listener = { offline: () => {}, unload: () => unloads++ };
  const end = watchPage({ hostname: "host.test" }, listener);
  tell("beforeunload");
  assert.equal(unloads, 0);
  end();
  const endWatched = watchPage({ hostname: "host.test", closeOnBeforeunload: true }, listener);
  tell("beforeunload");
  assert.equal(unloads, 1);
  endWatched();
  tell("beforeunload");
  assert.equal(unloads, 1);
});

test("an engine tells why it ended", () => {
  const closed = [];
  class Silent {
    addEventListener() {}
    close() {
      closed.push("socket");
    }
  }
  const options = { transports: ["websocket"], WebSocket: Silent };
  const engine = new Engine("http://host.test", options).open();
  const heard = [];
  engine.on("close", (...args) => heard.push(args));
  tell("offline");
  assert.deepEqual(heard, [["transport close", { description: "network connection lost" }]]);
  assert.deepEqual(closed, ["socket"]);
});

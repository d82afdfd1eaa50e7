// Events, acknowledgements, binary, catch-all listeners. A server with connection state recovery
// appends an offset to its events: one more argument than was sent is no error.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { WebSocket } from "ws";

import { contractServer } from "../support/server.mjs";
import { bytes, connected, next, open, sleep, subject, until } from "../support/subject.mjs";

const url = await contractServer(after);

/** Binary values, nested and of each kind; `Blob` is asynchronous. */
function samples() {
  const shared = new Uint8Array([9, 1, 2, 3, 9]);
  return {
    "an ArrayBuffer": [new Uint8Array([1, 2, 3]).buffer, [1, 2, 3]],
    "a view on a part": [shared.subarray(1, 4), [1, 2, 3]],
    "a DataView": [new DataView(shared.buffer, 1, 3), [1, 2, 3]],
    "wide elements": [new Uint16Array([0x0201]), [1, 2]],
    "a Buffer": [Buffer.from([1, 2, 3]), [1, 2, 3]],
    "no bytes": [new Uint8Array(0), []],
  };
}

for (const transport of ["polling", "websocket"]) {
  const options = { transports: [transport] };

  test(`${transport}: values come back as they went`, async (t) => {
    const socket = await connected(t, url, options);
    const values = [
      "",
      "text",
      0,
      -1.5,
      true,
      null,
      [],
      {},
      [1, [2]],
      { a: { b: null } },
      "é€😀\0\x1e",
    ];
    socket.emit("echo", ...values);
    assert.deepEqual((await next(socket, "echo")).slice(0, values.length), values);
    assert.deepEqual(await socket.emitWithAck("echo-ack", values), values);
  });

  test(`${transport}: binary of all kinds, at any depth`, async (t) => {
    const socket = await connected(t, url, options);
    for (const [kind, [sent, expected]] of Object.entries(samples())) {
      const [back] = await Promise.all([next(socket, "echo"), socket.emit("echo", sent)]);
      assert.deepEqual(bytes(back[0]), expected, kind);
    }
    const deep = { a: [{ b: new Uint8Array([4]) }, "x"], c: { d: { e: Buffer.from([5, 6]) } } };
    socket.emit("echo", deep, new Uint8Array([7]), "tail");
    const [back, second, tail] = await next(socket, "echo");
    assert.deepEqual(bytes(back.a[0].b), [4]);
    assert.equal(back.a[1], "x");
    assert.deepEqual(bytes(back.c.d.e), [5, 6]);
    assert.deepEqual(bytes(second), [7]);
    assert.equal(tail, "tail");
    assert.ok(deep.a[0].b instanceof Uint8Array, "the application's object is not changed");
  });

  test(`${transport}: acknowledgements both ways`, async (t) => {
    const socket = await connected(t, url, options);
    const answer = await new Promise((resolve) => {
      socket.emit("echo-ack", 1, "two", { three: 3 }, (...args) => resolve(args));
    });
    assert.deepEqual(answer, [1, "two", { three: 3 }]);

    const binary = await socket.emitWithAck("echo-ack", { data: new Uint8Array([1, 2]) });
    assert.deepEqual(bytes(binary.data), [1, 2]);

    socket.on("question", (text, give) => {
      give(text.toUpperCase(), new Uint8Array([3]));
      give("a second answer does not count");
    });
    socket.emit("ask", "why");
    const [text, data] = await next(socket, "answer");
    assert.equal(text, "WHY");
    assert.deepEqual(bytes(data), [3]);
  });

  test(`${transport}: big messages both ways`, async (t) => {
    const socket = await connected(t, url, options);
    const text = "é".repeat(35_000);
    assert.equal(await socket.emitWithAck("echo-ack", text), text);
    const made = await socket.emitWithAck("make-binary", 90_000);
    assert.deepEqual(
      bytes(made),
      Array.from({ length: 90_000 }, (_, i) => i % 251),
    );
    const data = new Uint8Array(60_000).fill(2);
    const sum = await new Promise((resolve) =>
      socket.emit("sum", data, (...args) => resolve(args)),
    );
    assert.deepEqual(sum, [60_000, 120_000]);
  });

  test(`${transport}: many events in one go exceed no limit of the server`, async (t) => {
    const socket = await connected(t, url, options);
    const received = [];
    socket.on("echo", (i) => received.push(i));
    // Ten times what one request may hold.
    for (let i = 0; i < 100; i++) socket.emit("echo", i, "x".repeat(10_000));
    await until(() => received.length === 100);
    assert.deepEqual(
      received,
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.equal(socket.connected, true);
  });

  // Under Node the stock client does not know Blob: it would send {}.
  const blobs = {
    skip: subject === "stock" ? "the stock client reads blobs in browsers only" : false,
  };
  test(`${transport}: a Blob keeps its place among the events`, blobs, async (t) => {
    const socket = await connected(t, url, options);
    const received = [];
    socket.on("echo", (...args) => received.push(args));
    socket.emit("echo", "before");
    socket.emit("echo", new Blob(["ab", "c"]), { nested: new Blob([]) });
    socket.emit("echo", "after");
    await until(() => received.length === 3);
    assert.equal(received[0][0], "before");
    assert.deepEqual(bytes(received[1][0]), [97, 98, 99]);
    assert.deepEqual(bytes(received[1][1].nested), []);
    assert.equal(received[2][0], "after");
  });
}

test("send() is an event named message", async (t) => {
  const socket = await connected(t, url);
  const outgoing = new Promise((resolve) => socket.onAnyOutgoing((...args) => resolve(args)));
  assert.equal(socket.send("hello", 1), socket);
  assert.deepEqual(await outgoing, ["message", "hello", 1]);
});

test("timeout() gives an error first, or null", async (t) => {
  const socket = await connected(t, url);
  const ask = (ms, ...event) =>
    new Promise((resolve) => socket.timeout(ms).emit(...event, (...args) => resolve(args)));
  const [error] = await ask(60, "no-ack");
  assert.equal(error.message, "operation has timed out");
  assert.deepEqual(await ask(2000, "echo-ack", "fine"), [null, "fine"]);
  assert.equal(await socket.timeout(2000).emitWithAck("late-ack", 20), "late");
  await assert.rejects(socket.timeout(40).emitWithAck("late-ack", 200), /timed out/);
});

test("a late answer after the timeout is ignored", async (t) => {
  const socket = await connected(t, url);
  let calls = 0;
  socket.timeout(30).emit("late-ack", 80, () => calls++);
  await sleep(200);
  assert.equal(calls, 1);
});

test("ackTimeout is the default of all acknowledgements", async (t) => {
  const socket = await connected(t, url, { ackTimeout: 50 });
  await assert.rejects(socket.emitWithAck("no-ack"), /timed out/);
});

test("pending acknowledgements that take an error get one on disconnect", async (t) => {
  const socket = await connected(t, url);
  const promise = socket.emitWithAck("no-ack");
  let plain = 0;
  socket.emit("no-ack", () => plain++);
  socket.disconnect();
  await assert.rejects(promise, /disconnected/);
  assert.equal(plain, 0);
});

test("reserved names cannot be sent", async (t) => {
  const socket = await connected(t, url);
  for (const name of ["connect", "connect_error", "disconnect", "disconnecting", "newListener"]) {
    assert.throws(() => socket.emit(name), /reserved/);
  }
});

test("names of Object.prototype are ordinary events", async (t) => {
  const socket = await connected(t, url);
  for (const name of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
    socket.emit("ask", name);
    const [received, give] = await next(socket, "question");
    assert.equal(received, name);
    give(name);
    assert.equal((await next(socket, "answer"))[0], name);
    let heard = 0;
    socket.on(name, () => heard++);
    assert.equal(socket.hasListeners(name), true);
    assert.equal(socket.listeners(name).length, 1);
    socket.off(name);
    assert.equal(socket.hasListeners(name), false);
  }
});

test("on, once, off", async (t) => {
  const socket = await connected(t, url);
  const heard = [];
  const removed = () => heard.push("removed");
  socket.on("echo", () => heard.push("on"));
  socket.once("echo", () => heard.push("once"));
  socket.on("echo", removed);
  socket.off("echo", removed);
  socket.emit("echo");
  socket.emit("echo");
  await until(() => heard.length >= 3);
  assert.deepEqual(heard, ["on", "once", "on"]);
  socket.off("echo");
  assert.deepEqual(socket.listeners("echo"), []);
});

test("catch-all listeners, incoming and outgoing", async (t) => {
  const socket = await connected(t, url);
  await socket.emitWithAck("info");
  const heard = [];
  const first = (event, value) => heard.push(["first", event, value]);
  const second = (event, value) => heard.push(["second", event, value]);
  const outgoing = (event, ...args) => heard.push(["out", event, ...args]);
  socket.onAny(second).prependAny(first).onAnyOutgoing(outgoing);
  socket.on("echo", (value) => heard.push(["own", value]));
  assert.deepEqual(socket.listenersAny(), [first, second]);
  assert.deepEqual(socket.listenersAnyOutgoing(), [outgoing]);
  socket.emit("echo", 1);
  await until(() => heard.length === 4);
  assert.deepEqual(heard, [
    ["out", "echo", 1],
    ["first", "echo", 1],
    ["second", "echo", 1],
    ["own", 1],
  ]);
  socket.offAny(first).offAnyOutgoing();
  assert.deepEqual(socket.listenersAny(), [second]);
  assert.deepEqual(socket.listenersAnyOutgoing(), []);
  socket.offAny();
  assert.deepEqual(socket.listenersAny(), []);
});

test("a volatile event is dropped without a connection, an ordinary one waits", async (t) => {
  const socket = open(t, url);
  const received = [];
  socket.on("echo", (name) => received.push(name));
  socket.volatile.emit("echo", "dropped");
  socket.emit("echo", "kept");
  assert.equal(socket.sendBuffer.length, 1);
  await until(() => received.length > 0);
  assert.deepEqual(received, ["kept"]);
  assert.equal(socket.sendBuffer.length, 0);
});

test("a volatile event arrives when the connection is idle", async (t) => {
  const socket = await connected(t, url, { transports: ["websocket"] });
  await socket.emitWithAck("info");
  const back = next(socket, "echo");
  assert.equal(socket.volatile.emit("echo", "idle"), socket);
  assert.equal((await back)[0], "idle");
});

const congestion = { skip: subject === "stock" ? "the stock client does not look" : false };

test("a volatile event is dropped while the WebSocket is congested", congestion, async (t) => {
  let backlog = 0;
  class Congested extends WebSocket {
    get bufferedAmount() {
      return backlog;
    }
  }
  const socket = await connected(t, url, { transports: ["websocket"], WebSocket: Congested });
  const received = [];
  socket.on("echo", (name) => received.push(name));
  backlog = 1_000_000;
  socket.volatile.emit("echo", "dropped");
  await assert.rejects(socket.volatile.emitWithAck("echo-ack", 1), /dropped/);
  await socket.emitWithAck("info");
  backlog = 0;
  socket.volatile.emit("echo", "sent");
  await until(() => received.length > 0);
  assert.deepEqual(received, ["sent"]);
});

test("compress() changes nothing that the server sees", async (t) => {
  const socket = await connected(t, url);
  assert.equal(await socket.compress(false).emitWithAck("echo-ack", "x"), "x");
});

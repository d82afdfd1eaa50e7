// The option `parser`: our MessagePack parser in whichever client is tested, the stock one too,
// against a server with npm's socket.io-msgpack-parser.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import npm from "socket.io-msgpack-parser";

import * as parser from "../../src/msgpack/parser.js";
import { startServer } from "../support/server.mjs";
import { bytes, connected, next, open, subject, until } from "../support/subject.mjs";

const server = await startServer({ parser: npm });
after(() => server.close());

for (const transport of ["polling", "websocket"]) {
  const options = { parser, transports: [transport] };

  test(`${transport}: values come back as they went, dates and undefined too`, async (t) => {
    const socket = await connected(t, server.url, options);
    const values = [null, true, -1.5, 2 ** 40, "é€😀", undefined, new Date(5), [{ a: [] }]];
    const [[...back]] = await Promise.all([next(socket, "echo"), socket.emit("echo", ...values)]);
    assert.deepEqual(back, values);
    assert.deepEqual(await socket.emitWithAck("echo-ack", values), values);
  });

  test(`${transport}: more binary than attachments may be, and a binary answer`, async (t) => {
    const socket = await connected(t, server.url, options);
    const parts = Array.from({ length: 40 }, (_, i) => ({ part: new Uint8Array([i]).buffer, i }));
    const back = await socket.emitWithAck("echo-ack", parts);
    assert.deepEqual(
      back.map(({ part, i }) => [bytes(part), i]),
      parts.map((_, i) => [[i], i]),
    );
    socket.on("question", (data, give) => give({ data }));
    socket.emit("ask", new Uint8Array([7, 8]).subarray(1));
    const [{ data }] = await next(socket, "answer");
    assert.deepEqual(bytes(data), [8]);
    assert.equal(bytes(await socket.emitWithAck("make-binary", 70_000)).length, 70_000);
  });

  // The stock client's transports do not wait for a Blob under Node.
  const blobs = {
    skip: subject === "stock" ? "the stock client reads blobs in browsers only" : false,
  };
  test(`${transport}: a Blob inside a packet keeps its place`, blobs, async (t) => {
    const socket = await connected(t, server.url, options);
    const received = [];
    socket.on("echo", (...args) => received.push(args));
    socket.emit("echo", "before");
    socket.emit("echo", new Blob(["ab", "c"]), { nested: new Blob([]) });
    socket.emit("echo", "after");
    await until(() => received.length === 3);
    assert.deepEqual([received[0][0], received[2][0]], ["before", "after"]);
    assert.deepEqual(bytes(received[1][0]), [97, 98, 99]);
    assert.deepEqual(bytes(received[1][1].nested), []);
  });
}

test("auth, a refusal with its data, namespaces on one connection", async (t) => {
  const auth = { token: "secret" };
  const admin = await connected(t, `${server.url}/admin`, { parser, auth });
  assert.deepEqual((await admin.emitWithAck("handshake")).auth, auth);
  const refused = open(t, `${server.url}/admin`, { parser });
  const [error] = await next(refused, "connect_error");
  assert.deepEqual([error.message, error.data.code], ["unauthorized", 401]);
  const chat = admin.io.socket("/chat");
  chat.connect();
  await next(chat, "connect");
  const kicked = next(chat, "disconnect");
  chat.emit("kick", false);
  assert.equal((await kicked)[0], "io server disconnect");
  assert.equal(admin.connected, true);
});

test("a server that speaks JSON: parse error, on both sides", async (t) => {
  const json = await startServer({ parser: undefined });
  t.after(() => json.close());
  const ends = [];
  json.io.engine.on("connection", (connection) => {
    // What the other side would send, without waiting for it to understand.
    connection.send('0{"sid":"x"}');
    connection.on("close", (reason) => ends.push(reason));
  });
  const socket = open(t, json.url, { parser, reconnection: false });
  const [reason, details] = await next(socket.io, "close");
  assert.equal(reason, "parse error");
  assert.match(details.message, /text came where MessagePack was due/);
  await until(() => ends.length === 1);
});

test("what cannot be packed throws at emit, and the connection goes on", async (t) => {
  const socket = await connected(t, server.url, { parser });
  const cycle = {};
  cycle.cycle = cycle;
  assert.throws(() => socket.emit("echo", cycle), RangeError);
  assert.throws(() => socket.emit("echo", () => {}, "a function that is not the last"), TypeError);
  assert.equal(await socket.emitWithAck("echo-ack", "here"), "here");
});

// Binary anywhere in the arguments: kinds, nesting, many parts, limits.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  TRANSPORTS,
  ack,
  ackAll,
  collect,
  connect,
  connectMany,
  flushed,
  next,
  request,
} from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

/** So many buffers, each of one byte of its own. */
function parts(count) {
  return Array.from({ length: count }, (_, i) => Buffer.from([i]));
}

for (const transport of TRANSPORTS) {
  describe(`binary, ${transport.name}`, () => {
    kinds(transport);
    places(transport);
    acknowledged(transport);
    limits(transport);
  });
}

function kinds(transport) {
  test("every byte value comes back", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.deepEqual(await request(socket, ["echo", EVERY_BYTE]), [EVERY_BYTE]);
  });

  test("Buffer, typed array, view of a part, ArrayBuffer: all arrive as their bytes", async (t) => {
    const socket = await connect(t, server, { transport });
    const source = new Uint8Array([9, 1, 2, 3, 9]);
    const sent = [
      Buffer.from([1, 2, 3]),
      source.subarray(1, 4),
      new DataView(source.buffer, 1, 3),
      source.buffer.slice(1, 4),
    ];
    const answer = await request(socket, ["echo", ...sent]);
    assert.deepEqual(
      answer,
      Array.from({ length: 4 }, () => Buffer.from([1, 2, 3])),
    );
  });

  test("no bytes at all are binary too", async (t) => {
    const socket = await connect(t, server, { transport });
    const answer = await request(socket, ["echo", Buffer.alloc(0)]);
    assert.ok(Buffer.isBuffer(answer[0]) && answer[0].length === 0);
  });

  test("bytes that look like packets stay bytes", async (t) => {
    const socket = await connect(t, server, { transport });
    const sent = ["2probe", "b4", "\u001e", "41", "451-[]"].map((text) => Buffer.from(text));
    assert.deepEqual(await request(socket, ["echo", ...sent]), sent);
  });
}

function places(transport) {
  test("deep inside objects and arrays, between text", async (t) => {
    const socket = await connect(t, server, { transport });
    const sent = [
      "before",
      { file: { name: "ё.png", parts: [Buffer.from([1]), "text", { last: Buffer.from([2, 3]) }] } },
      [[[Buffer.from([4])]]],
      null,
    ];
    assert.deepEqual(await request(socket, ["echo", ...sent]), sent);
  });

  test("the same buffer twice arrives twice", async (t) => {
    const socket = await connect(t, server, { transport });
    const shared = Buffer.from([5, 6]);
    assert.deepEqual(await request(socket, ["echo", shared, { again: shared }]), [
      shared,
      { again: shared },
    ]);
  });

  test("to a room, to everyone, in another namespace", async (t) => {
    const [a, b] = await connectMany(t, server, 2, { nsp: "/chat", transport });
    await ack(b, "join", "binary room");
    const heard = next(b, "file");
    a.emit("to", ["binary room"], "file", { bytes: EVERY_BYTE }, EVERY_BYTE.subarray(0, 2));
    assert.deepEqual(await heard, [{ bytes: EVERY_BYTE }, EVERY_BYTE.subarray(0, 2)]);
  });

  test("a hundred binary events, broadcast among text, arrive in order", async (t) => {
    const [a, b] = await connectMany(t, server, 2, { transport });
    await ack(b, "join", "ordered binary");
    const seen = collect(b, "item");
    const sent = Array.from({ length: 100 }, (_, i) => (i % 2 ? `text ${i}` : Buffer.from([i, i])));
    sent.forEach((item) => a.emit("to", ["ordered binary"], "item", item));
    await flushed(a);
    await flushed(b);
    assert.deepEqual(seen, sent);
  });
}

function acknowledged(transport) {
  test("the server sums what it is given", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.deepEqual(await ackAll(socket, "sum", EVERY_BYTE), [256, 255 * 128]);
    assert.deepEqual(await ackAll(socket, "sum", Buffer.alloc(0)), [0, 0]);
  });

  test("a megabyte from the server is whole", async (t) => {
    const socket = await connect(t, server, { transport });
    const bytes = await ack(socket, "make-binary", 1_000_000);
    assert.equal(bytes.length, 1_000_000);
    assert.ok(bytes.equals(Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251)));
  });

  test("many binary questions at once get their own answers", async (t) => {
    const socket = await connect(t, server, { transport });
    const sent = Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 10, i));
    assert.deepEqual(await Promise.all(sent.map((bytes) => ack(socket, "echo-ack", bytes))), sent);
  });
}

function limits(transport) {
  test("one part just under the limit passes", async (t) => {
    const socket = await connect(t, server, { transport });
    // On polling it travels as base64, four characters for three bytes, inside the same limit.
    const bytes = Buffer.alloc(transport.settled === "websocket" ? 100_000 : 74_000, 7);
    assert.deepEqual(await ackAll(socket, "sum", bytes), [bytes.length, bytes.length * 7]);
  });

  test("ten parts pass", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.deepEqual(await request(socket, ["echo", ...parts(10)]), parts(10));
  });

  test("an eleventh part ends the connection and no other", async (t) => {
    const [greedy, calm] = await connectMany(t, server, 2, { transport });
    const gone = next(greedy, "disconnect");
    greedy.emit("echo", ...parts(11));
    const [reason] = await gone;
    assert.match(reason, /^transport (close|error)$/);
    assert.equal(await ack(calm, "echo-ack", "unmoved"), "unmoved");
  });

  test("the count of parts starts anew with each message", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "echo");
    socket.emit("echo", parts(10));
    socket.emit("echo", parts(10).reverse());
    await flushed(socket);
    assert.deepEqual(seen, [parts(10), parts(10).reverse()]);
  });

  test("parts that each pass and together do not", async (t) => {
    const socket = await connect(t, server, { transport });
    const part = Buffer.alloc(30_000, 1);
    const heard = Promise.race([next(socket, "echo"), next(socket, "disconnect")]);
    socket.emit("echo", part, part, part, part);
    const [first] = await heard;
    // Node bounds each part alone, Rialto the whole message: ten parts are not ten limits.
    if (pick({ reference: true, rialto: false })) {
      assert.deepEqual(first, part);
    } else {
      assert.match(first, /^transport (close|error)$/);
    }
  });
}

// MessagePack: stock clients with npm's socket.io-msgpack-parser, and packets that break its rules.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import msgpack from "notepack.io";
import parser from "socket.io-msgpack-parser";
import {
  DEADLINE_MS,
  TRANSPORTS,
  ack,
  ackAll,
  client,
  collect,
  connect,
  connectMany,
  flushed,
  next,
  request,
} from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

let server;
before(async () => {
  server = await start({ ...PATIENT, parser: "msgpack" });
});
after(() => server.kill());

for (const transport of TRANSPORTS) {
  describe(`MessagePack, ${transport.name}`, { concurrency: 4 }, () => values({ transport, parser }));
}

function values(options) {
  test("values of every kind come back as they were", async (t) => {
    const socket = await connect(t, server, options);
    const bodies = [
      [],
      [null, true, false, "", "Ответ 🦀", "x".repeat(70_000)],
      [0, -1, 127, 128, 255, 256, 65_535, 65_536, -128, -129, -32_769, 2 ** 40, -(2 ** 40), 1.5],
      [[], {}, [[[]]], { a: { b: ["c", { d: null }] } }, Array(70_000).fill(1)],
    ];
    for (const body of bodies) {
      assert.deepEqual(await ackAll(socket, "echo-ack", ...body), body);
      assert.deepEqual(await request(socket, ["echo", ...body], "echo"), body);
    }
  });

  test("binary stays where it is, more of it than attachments are allowed", async (t) => {
    const socket = await connect(t, server, options);
    const parts = Array.from({ length: 40 }, (_, i) => ({ part: Buffer.from([i]), i }));
    assert.deepEqual(await ackAll(socket, "echo-ack", ...parts), parts);
    assert.deepEqual(await ack(socket, "sum", Buffer.from([1, 2, 3])), 3);
    const made = await ack(socket, "make-binary", 90_000);
    assert.equal(made.length, 90_000);
    assert.equal(made[300], 300 % 251);
  });

  test("a binary answer to the server's question", async (t) => {
    const socket = await connect(t, server, options);
    socket.on("question", (bytes, answer) => answer({ bytes }));
    const answer = await request(socket, ["ask", Buffer.from("ab")], "answer");
    assert.deepEqual(answer, [{ bytes: Buffer.from("ab") }]);
  });

  test("rooms and broadcasts, text and binary", async (t) => {
    const sockets = await connectMany(t, server, 3, options);
    const room = `msgpack ${options.transport.name}`;
    await Promise.all(sockets.slice(1).map((socket) => ack(socket, "join", room)));
    const heard = sockets.map((socket) => collect(socket, "news"));
    const sent = ["text", { bytes: Buffer.from([0, 255]) }];
    sent.forEach((item) => sockets[0].emit("to", [room], "news", item));
    await flushed(sockets[0]);
    await flushed(...sockets);
    assert.deepEqual(heard, [[], sent, sent]);
    sockets.forEach((socket, i) => socket.on("how many", (add, answer) => answer(i + add)));
    const [late, answers] = await ackAll(sockets[0], "ask-room", room, 5_000, "how many", 10);
    assert.deepEqual([late, answers.sort()], [false, [11, 12]]);
  });
}

describe("MessagePack, the protocol", { concurrency: 4 }, () => {
  test("auth, refusals with data, namespaces, leaving", async (t) => {
    const auth = { token: "secret", deep: [{ x: 1 }] };
    const admin = await connect(t, server, { parser, nsp: "/admin", auth });
    assert.deepEqual((await ack(admin, "handshake")).auth, auth);
    const refused = client(t, server, { parser, nsp: "/admin" });
    const refusal = next(refused, "connect_error");
    refused.connect();
    const [error] = await refusal;
    assert.equal(error.message, "unauthorized");
    assert.deepEqual(error.data, { code: 401, content: "no token" });
    const chat = admin.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    assert.equal((await greeting)[0].nsp, "/chat");
    const gone = next(chat, "disconnect");
    chat.emit("kick", false);
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(await ack(admin, "echo-ack", "here"), "here");
  });

  test("a client that speaks JSON is closed", async (t) => {
    const socket = client(t, server, {});
    const lost = next(socket.io, "close");
    socket.connect();
    await lost;
  });

  for (const [what, packet] of breaches()) {
    test(`${what}: the connection is closed, others do not notice`, async (t) => {
      const [socket, other] = await connectMany(t, server, 2, { parser });
      const lost = next(socket, "disconnect", DEADLINE_MS);
      socket.io.engine.write(packet);
      await lost;
      assert.equal(await ack(other, "echo-ack", "here"), "here");
    });
  }
});

/** Packets that are none. */
function breaches() {
  const packet = (members) => msgpack.encode({ type: 2, nsp: "/", ...members });
  return [
    ["a type that is none", packet({ type: 5, data: ["echo"] })],
    ["a namespace that is no string", packet({ nsp: 1, data: ["echo"] })],
    ["an event without a payload", packet({})],
    ["an event whose payload is no array", packet({ data: { 0: "echo" } })],
    ["an id that is no integer", packet({ data: ["echo"], id: "1" })],
    ["bytes behind the packet", Buffer.concat([packet({ data: ["echo"] }), Buffer.from([0])])],
    ["a packet that is cut off", packet({ data: ["echo", "text"] }).subarray(0, -9)],
    ["no packet at all", Buffer.from([0xc1])],
  ];
}

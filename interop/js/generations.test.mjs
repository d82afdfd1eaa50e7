// Clients of Socket.IO 1, 2 and 3: everything the contract asks, by the packages of their time.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { collect, connect, DEADLINE_MS, next, pause, request, TRANSPORTS } from "./clients.mjs";
import { answer, connectOld, GENERATIONS, old } from "./generations.mjs";
import { PATIENT, start } from "./server.mjs";

const TEXT = "Grüße, мир, 日本語, 🦀";

let server;
before(async () => {
  server = await start({ ...PATIENT, eio3: "on" });
});
after(() => server.kill());

/** One value, within the deadline of all tests. */
async function first(socket, event, ...args) {
  const late = pause(DEADLINE_MS).then(() => Promise.reject(new Error(`no ack of ${event}`)));
  const [value] = await Promise.race([answer(socket, event, ...args), late]);
  late.catch(() => {});
  return value;
}

for (const generation of GENERATIONS) {
  for (const transport of TRANSPORTS) {
    const name = `socket.io-client ${generation.name}, ${transport.name}`;
    describe(name, { concurrency: true }, () => {
      const options = { generation, transport };
      const text = generation.ascii && transport.settled !== "websocket" ? "plain" : TEXT;

      test("connects, with the id that the client knows", async (t) => {
        const socket = await connectOld(t, server, options);
        assert.equal(socket.id, socket.welcome.id);
        assert.equal(socket.welcome.nsp, "/");
        const info = await first(socket, "info");
        assert.equal(info.protocol, generation.protocol);
        if (transport.settled) {
          assert.equal(info.transport, transport.settled);
        }
        if (generation.protocol === 3) {
          assert.equal(socket.id, socket.io.engine.id);
        } else {
          assert.notEqual(socket.id, socket.io.engine.id);
        }
      });

      test("events and acks carry every JSON value, both ways", async (t) => {
        const socket = await connectOld(t, server, options);
        const values = [text, 0, -1.5, true, null, [], { a: [{ b: text }] }, ""];
        assert.deepEqual(await request(socket, ["echo", ...values]), values);
        assert.deepEqual(await answer(socket, "echo-ack", ...values), values);
        socket.on("question", (...args) => args.pop()("yes", args));
        assert.deepEqual(await request(socket, ["ask", text], "answer"), ["yes", [text]]);
      });

      test("binary at any depth, both ways", async (t) => {
        const socket = await connectOld(t, server, options);
        const bytes = Buffer.from(Uint8Array.from({ length: 300 }, (_, i) => i % 256));
        const [nested, plain] = await request(socket, [
          "echo",
          { a: [bytes, { b: Buffer.from([0xff]) }] },
          bytes,
        ]);
        assert.deepEqual(Buffer.from(nested.a[0]), bytes);
        assert.deepEqual(Buffer.from(nested.a[1].b), Buffer.from([0xff]));
        assert.deepEqual(Buffer.from(plain), bytes);
        const [back, empty] = await answer(socket, "echo-ack", bytes, Buffer.alloc(0));
        assert.deepEqual([Buffer.from(back), empty.byteLength ?? empty.length], [bytes, 0]);
        assert.equal((await first(socket, "make-binary", 60_000)).byteLength ?? 60_000, 60_000);
        assert.deepEqual(await answer(socket, "sum", bytes), [300, 33_586]);
      });

      test("order holds, text beside binary, while the transport changes", async (t) => {
        const socket = await connectOld(t, server, options);
        const heard = collect(socket, "echo");
        for (let i = 0; i < 200; i += 1) {
          socket.emit("echo", i % 7 === 0 ? Buffer.from([i]) : i);
          if (i % 40 === 0) {
            await pause(2);
          }
        }
        await first(socket, "echo-ack", "flushed");
        const number = (value) => (typeof value === "number" ? value : Buffer.from(value)[0]);
        const plain = heard.map(number);
        assert.deepEqual(plain, Array.from({ length: 200 }, (_, i) => i));
        const numbers = collect(socket, "seq");
        socket.emit("sequence", 200);
        await first(socket, "echo-ack", "flushed");
        assert.deepEqual(numbers, Array.from({ length: 200 }, (_, i) => i));
      });

      test("rooms, together with a client of today", async (t) => {
        const room = `${generation.name}-${transport.name}`;
        const [socket, modern] = await Promise.all([
          connectOld(t, server, options),
          connect(t, server),
        ]);
        assert.equal(await first(socket, "join", room), true);
        await first(modern, "join", room);
        const toOld = next(socket, "news");
        modern.emit("to", [room], "news", "a", Buffer.from([1, 2]));
        const [word, bytes] = await toOld;
        assert.deepEqual([word, [...Buffer.from(bytes)]], ["a", [1, 2]]);
        const toNew = next(modern, "news");
        socket.emit("to", [room], "news", "b", Buffer.from([3]));
        assert.deepEqual((await toNew)[1], Buffer.from([3]));
        const direct = next(socket, "direct");
        modern.emit("in", [socket.id], "direct", 1);
        assert.deepEqual(await direct, [1]);
        assert.equal(await first(socket, "room-size", room), 2);
        await first(socket, "leave", room);
        assert.equal(await first(socket, "room-size", room), 1);
      });

      test("namespaces, named and dynamic, beside the main one", async (t) => {
        const chat = await connectOld(t, server, { ...options, nsp: "/chat" });
        assert.equal(chat.welcome.nsp, "/chat");
        if (generation.protocol === 3) {
          assert.equal(chat.welcome.id, `/chat#${chat.io.engine.id}`);
        }
        assert.equal(chat.id, generation.bareIds ? chat.io.engine.id : chat.welcome.id);
        assert.deepEqual(await request(chat, ["echo", "in chat"]), ["in chat"]);
        const dynamic = chat.io.socket("/dynamic-7");
        const greeting = next(dynamic, "welcome");
        dynamic.open();
        assert.equal((await greeting)[0].nsp, "/dynamic-7");
        assert.equal(await first(dynamic, "echo-ack", 7), 7);
        const slow = chat.io.socket("/slow");
        const late = next(slow, "welcome");
        slow.open();
        assert.equal((await late)[0].nsp, "/slow");
        // Leaving one leaves the others, and one may come back.
        dynamic.disconnect();
        assert.equal(await first(chat, "echo-ack", "still here"), "still here");
        const again = next(dynamic, "welcome");
        dynamic.open();
        assert.equal((await again)[0].nsp, "/dynamic-7");
      });

      test("a namespace with a secret", async (t) => {
        const place = generation.protocol === 3 ? "query" : "auth";
        const login = { [place]: { token: "secret" } };
        const admin = await connectOld(t, server, { ...options, nsp: "/admin", ...login });
        assert.equal(admin.welcome.nsp, "/admin");
        const { auth } = await first(admin, "handshake");
        assert.equal(auth.token, "secret");
      });

      test("refusals come in the words of the client's time", async (t) => {
        const event = generation.protocol === 3 ? "error" : "connect_error";
        const refused = async (nsp, query = {}) => {
          const socket = old(t, server, { ...options, nsp, query });
          const [[error]] = await Promise.all([next(socket, event), socket.open()]);
          assert.equal(socket.connected, false);
          return error;
        };
        const [admin, unknown, main] = await Promise.all([
          refused("/admin"),
          refused("/nothing"),
          refused("/", { fail: "1" }),
        ]);
        if (generation.protocol === 3) {
          assert.deepEqual(admin, { code: 401, content: "no token" });
          assert.deepEqual(unknown, { message: "Invalid namespace" });
          assert.equal(main, "main refused");
        } else {
          assert.deepEqual([admin.message, admin.data?.code], ["unauthorized", 401]);
          assert.equal(unknown.message, "Invalid namespace");
          assert.equal(main.message, "main refused");
        }
      });

      test("who is denied gets no session", async (t) => {
        const socket = old(t, server, { ...options, query: { deny: "1" } });
        const failed = next(socket, "connect_error");
        socket.open();
        assert.ok((await failed)[0] instanceof Error);
      });

      test("both sides learn how it ended", async (t) => {
        const witness = await connect(t, server);
        const reasonOf = async (name) => {
          for (const end = performance.now() + DEADLINE_MS; performance.now() < end; ) {
            const reason = await first(witness, "reason-of", name);
            if (reason) {
              return reason;
            }
            await pause(20);
          }
          throw new Error(`no reason of ${name}`);
        };
        const label = async (what) => {
          const socket = await connectOld(t, server, options);
          await first(socket, "label", `${generation.name} ${transport.name} ${what}`);
          return [socket, `${generation.name} ${transport.name} ${what}`];
        };
        const [[leaves, left], [kicked, kick], [closed, close], [cut, drop]] = await Promise.all(
          ["leaves", "kick", "close", "cut"].map(label),
        );
        leaves.disconnect();
        assert.match(await reasonOf(left), /^(client namespace disconnect|transport close)$/);
        const ended = next(kicked, "disconnect");
        kicked.emit("kick");
        assert.deepEqual((await ended)[0], "io server disconnect");
        assert.equal(await reasonOf(kick), "server namespace disconnect");
        const thrown = next(closed, "disconnect");
        closed.emit("kick", true);
        assert.deepEqual((await thrown)[0], "io server disconnect");
        assert.equal(await reasonOf(close), "server namespace disconnect");
        const lost = next(cut, "disconnect");
        cut.emit("drop");
        assert.match((await lost)[0], /^transport (close|error)$/);
        assert.equal(await reasonOf(drop), "forced close");
      });
    });
  }
}

describe("heartbeats", { concurrency: true }, () => {
  let strict;
  before(async () => {
    strict = await start({ eio3: "on" });
  });
  after(() => strict.kill());

  for (const generation of GENERATIONS) {
    for (const transport of TRANSPORTS.slice(0, 3)) {
      test(`${generation.name} outlives them, ${transport.name}`, async (t) => {
        const socket = await connectOld(t, strict, { generation, transport });
        const ended = collect(socket, "disconnect");
        await pause(4_300);
        assert.deepEqual(ended, []);
        assert.equal(await first(socket, "echo-ack", "alive"), "alive");
      });
    }
  }
});

test("without the option they are refused, those of protocol 4 are not", async (t) => {
  const closed = await start({ ...PATIENT, eio3: "off" });
  t.after(() => closed.kill());
  for (const generation of GENERATIONS) {
    const options = { generation, transport: TRANSPORTS[0] };
    if (generation.protocol === 4) {
      await connectOld(t, closed, options);
      continue;
    }
    const socket = old(t, closed, options);
    const failed = next(socket, "connect_error");
    socket.open();
    assert.ok((await failed)[0] instanceof Error);
  }
});

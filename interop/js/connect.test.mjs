// How a stock client gets in: greetings, ids, namespaces, credentials, refusals, deadlines.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Socket as EngineSocket } from "engine.io-client";
import {
  TRANSPORTS,
  ack,
  client,
  collect,
  connect,
  connectMany,
  eventually,
  flushed,
  next,
  pause,
  upgraded,
} from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

/** 20 characters of URL-safe base64. */
const ID = /^[\w-]{20}$/;

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

/** Waits for the refusal of a socket that has not been connected yet. */
async function refusal(socket) {
  const refused = next(socket, "connect_error");
  socket.connect();
  const [error] = await refused;
  return error;
}

for (const transport of TRANSPORTS) {
  describe(`connecting, ${transport.name}`, { concurrency: 4 }, () => {
    greetings(transport);
    namespaces(transport);
    refusals(transport);
    handshakes(transport);
  });
}

function greetings(transport) {
  test("the server greets with the id that the client knows", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.match(socket.id, ID);
    assert.deepEqual(socket.welcome, { id: socket.id, nsp: "/", recovered: false });
    assert.ok(!socket.recovered);
  });

  test("the public id is not the secret one of the session", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.match(socket.io.engine.id, ID);
    assert.notEqual(socket.id, socket.io.engine.id);
  });

  test("many clients at once get ids of their own", async (t) => {
    const clients = Array.from({ length: 20 }, () => connect(t, server, { transport }));
    const ids = (await Promise.all(clients)).flatMap(({ id, io }) => [id, io.engine.id]);
    assert.equal(new Set(ids).size, 40);
  });

  test("info tells namespace, transport and protocol", async (t) => {
    const socket = await connect(t, server, { transport });
    const { transport: name, ...rest } = await ack(socket, "info");
    assert.deepEqual(rest, { id: socket.id, nsp: "/", protocol: 4, recovered: false, rooms: [] });
    assert.ok(["polling", "websocket"].includes(name));
    if (transport.settled) {
      assert.equal(name, transport.settled);
    }
  });

  test("a socket that left and came back has a new id", async (t) => {
    const socket = await connect(t, server, { transport });
    const first = socket.id;
    const again = next(socket, "welcome");
    socket.disconnect().connect();
    const [welcome] = await again;
    assert.equal(welcome.id, socket.id);
    assert.notEqual(socket.id, first);
  });
}

function namespaces(transport) {
  test("namespaces share one connection and nothing else", async (t) => {
    const main = await connect(t, server, { transport });
    const chat = main.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    const [welcome] = await greeting;
    assert.deepEqual(welcome, { id: chat.id, nsp: "/chat", recovered: false });
    assert.notEqual(chat.id, main.id);

    const [inMain, inChat] = [collect(main, "hello"), collect(chat, "hello")];
    main.emit("all", "hello", "main");
    chat.emit("all", "hello", "chat");
    await flushed(main, chat);
    assert.ok(inMain.includes("main") && !inMain.includes("chat"));
    assert.deepEqual(inChat, ["chat"]);

    chat.disconnect();
    assert.equal(await ack(main, "echo-ack", "still here"), "still here");
  });

  test("a namespace of a pattern exists, a near miss does not", async (t) => {
    const socket = await connect(t, server, { nsp: "/dynamic-42", transport });
    assert.equal(socket.welcome.nsp, "/dynamic-42");
    const other = await connect(t, server, { nsp: "/dynamic-43", transport });
    const heard = collect(other, "hello");
    socket.emit("all", "hello");
    await flushed(socket, other);
    assert.deepEqual(heard, []);

    const error = await refusal(client(t, server, { nsp: "/dynamic-x", transport }));
    assert.equal(error.message, "Invalid namespace");
  });

  test("an unknown namespace is refused, its neighbour stays", async (t) => {
    const main = await connect(t, server, { transport });
    const error = await refusal(main.io.socket("/nothing"));
    assert.equal(error.message, "Invalid namespace");
    assert.equal(await ack(main, "echo-ack", 1), 1);
  });

  test("what is emitted before a slow admission arrives after it, in order", async (t) => {
    const socket = client(t, server, { nsp: "/slow", transport });
    const began = performance.now();
    const answer = next(socket, "echo");
    socket.connect();
    socket.emit("echo", "early");
    const acked = ack(socket, "echo-ack", "second");
    await next(socket, "welcome");
    assert.ok(performance.now() - began >= 290);
    assert.deepEqual(await answer, ["early"]);
    assert.equal(await acked, "second");
  });
}

function refusals(transport) {
  const noToken = { code: 401, content: "no token" };

  test("without the token: refused with message and data", async (t) => {
    const socket = client(t, server, { nsp: "/admin", transport });
    const error = await refusal(socket);
    assert.equal(error.message, "unauthorized");
    assert.deepEqual(error.data, noToken);
    assert.equal(socket.connected, false);
    assert.equal(socket.active, false);
  });

  test("a wrong token is refused, then the right one admitted on the same line", async (t) => {
    const main = await connect(t, server, { transport });
    const admin = main.io.socket("/admin", { auth: { token: "guess" } });
    assert.deepEqual((await refusal(admin)).data, noToken);
    admin.auth = (give) => setTimeout(() => give({ token: "secret" }), 5);
    const welcomed = next(admin, "welcome");
    admin.connect();
    const [{ nsp }] = await welcomed;
    assert.equal(nsp, "/admin");
    assert.equal(await ack(main, "echo-ack", 1), 1);
  });

  test("a middleware of the main namespace reads the query", async (t) => {
    const socket = client(t, server, { transport, query: { fail: "1" } });
    const error = await refusal(socket);
    assert.equal(error.message, "main refused");
    assert.equal(error.data, undefined);
  });

  test("the admission hook turns the handshake away", async (t) => {
    const error = await refusal(client(t, server, { transport, query: { deny: "1" } }));
    // The stock client shows the status on polling alone.
    if (transport.options.transports[0] === "polling") {
      assert.equal(error.description, 403);
    } else {
      assert.equal(error.message, "websocket error");
    }
  });

  test("a wrong path is no Socket.IO server", async (t) => {
    await refusal(client(t, server, { transport, path: "/elsewhere/" }));
  });
}

function handshakes(transport) {
  test("the handshake shows auth, query, headers, URL and cookie", async (t) => {
    const auth = { token: "жетон", nested: { list: [1, null, true] } };
    const socket = await connect(t, server, {
      transport,
      auth,
      query: { room: "a b&c=d", ключ: "значение" },
      extraHeaders: { "X-Test": "header value", cookie: "flavour=oat" },
    });
    const handshake = await ack(socket, "handshake");
    assert.deepEqual(handshake.auth, auth);
    assert.equal(handshake.query.room, "a b&c=d");
    assert.equal(handshake.query["ключ"], "значение");
    assert.equal(handshake.query.EIO, "4");
    assert.equal(handshake.query.transport, transport.options.transports[0]);
    assert.match(handshake.url, /^\/socket\.io\/\?.*EIO=4/);
    assert.equal(handshake.secure, false);
    assert.equal(handshake.header, "header value");
    assert.equal(handshake.cookie, "flavour=oat");
  });

  test("without any of them the handshake says so", async (t) => {
    const socket = await connect(t, server, { transport });
    const { auth, header, cookie } = await ack(socket, "handshake");
    assert.deepEqual({ auth, header, cookie }, { auth: {}, header: null, cookie: null });
  });

  test("socket data belongs to one socket", async (t) => {
    const [a, b] = await connectMany(t, server, 2, { transport });
    assert.equal(await ack(a, "get-data"), null);
    assert.equal(await ack(a, "set-data", { n: [1, "два"] }), true);
    assert.deepEqual(await ack(a, "get-data"), { n: [1, "два"] });
    assert.equal(await ack(b, "get-data"), null);
  });
}

describe("the upgrade", () => {
  test("the server sees the WebSocket take over, the session stays", async (t) => {
    const transport = TRANSPORTS[2];
    const socket = await connect(t, server, { transport });
    const { id } = socket;
    await upgraded(socket);
    const upgradedInfo = await eventually(async () => {
      const info = await ack(socket, "info");
      return info.transport === "websocket" && info;
    });
    assert.equal(upgradedInfo.id, id);
    assert.equal(socket.io.engine.transport.name, "websocket");
  });

  test("a client that does not want it stays on polling", async (t) => {
    const socket = await connect(t, server, { transport: TRANSPORTS[2], upgrade: false });
    await pause(300);
    assert.equal((await ack(socket, "info")).transport, "polling");
  });

  test("every message of twenty upgrading clients arrives once, in order", async (t) => {
    const expected = Array.from({ length: 200 }, (_, i) => i);
    const run = async () => {
      const socket = await connect(t, server, { transport: TRANSPORTS[2] });
      const heard = collect(socket, "echo");
      for (const i of expected) {
        socket.emit("echo", i);
        // Spread over the time in which the probe runs.
        if (i % 20 === 0) {
          await pause(2);
        }
      }
      await upgraded(socket);
      await flushed(socket);
      assert.deepEqual(heard, expected);
    };
    await Promise.all(Array.from({ length: 20 }, run));
  });
});

describe("deadlines and heartbeats", { concurrency: true }, () => {
  let strict;
  before(async () => {
    strict = await start();
  });
  after(() => strict.kill());

  for (const transport of TRANSPORTS.slice(0, 3)) {
    test(`who joins nothing is closed after the connect timeout, ${transport.name}`, async (t) => {
      const began = performance.now();
      const silent = new EngineSocket(strict.url, { path: "/socket.io/", ...transport.options });
      t.after(() => silent.close());
      await next(silent, "open");
      await next(silent, "close");
      const waited = performance.now() - began;
      assert.ok(waited >= 1_400 && waited < 4_000, `closed after ${waited} ms, expected 1500`);
    });

    test(`who has joined outlives it, heartbeat by heartbeat, ${transport.name}`, async (t) => {
      const socket = await connect(t, strict, { transport });
      let pings = 0;
      socket.io.on("ping", () => {
        pings += 1;
      });
      // Longer than the connect timeout, and than interval and timeout of the heartbeat together.
      await pause(3_300);
      assert.ok(pings >= 2, `${pings} pings in 3.3 s at one per second`);
      assert.equal(await ack(socket, "echo-ack", "alive"), "alive");
    });
  }

  test("who is refused and joins nothing else is closed too", async (t) => {
    const refused = new EngineSocket(strict.url, { path: "/socket.io/", transports: ["polling"] });
    t.after(() => refused.close());
    await next(refused, "open");
    refused.send("0/nothing,");
    const [answer] = await next(refused, "message");
    assert.equal(answer, '4/nothing,{"message":"Invalid namespace"}');
    await next(refused, "close");
  });
});

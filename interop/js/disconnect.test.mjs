// How connections end: the reasons on both sides, cut lines, a server that dies and returns.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import {
  TRANSPORTS,
  ack,
  client,
  collect,
  connect,
  eventually,
  next,
  once,
  pause,
} from "./clients.mjs";
import { PATIENT, SUBJECT, start } from "./server.mjs";
import { PacketWire, Polling } from "./wire.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

let counter = 0;

/** Connects a socket that the server knows by a label; `reason()` gives how it ended there. */
async function labelled(t, options) {
  const label = `socket ${(counter += 1)}`;
  const watcher = await connect(t, server);
  const socket = await connect(t, server, options);
  await ack(socket, "label", label);
  return [socket, () => eventually(() => ack(watcher, "reason-of", label))];
}

for (const transport of TRANSPORTS) {
  describe(`leaving, ${transport.name}`, { concurrency: 4 }, () => {
    reasons(transport);
    neighbours(transport);
  });
}

function reasons(transport) {
  test("the client leaves", async (t) => {
    const [socket, reason] = await labelled(t, { transport });
    const gone = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await gone)[0], "io client disconnect");
    // The connection closes right behind it, and is not what is told.
    assert.equal(await reason(), "client namespace disconnect");
  });

  test("the client leaves one namespace of two", async (t) => {
    const [main, reason] = await labelled(t, { transport });
    const chat = main.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    await greeting;
    main.disconnect();
    assert.equal(await reason(), "client namespace disconnect");
    assert.equal(await ack(chat, "echo-ack", "here"), "here");
  });

  test("the server kicks the socket", async (t) => {
    const [socket, reason] = await labelled(t, { transport });
    const gone = next(socket, "disconnect");
    socket.emit("kick", false);
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(socket.active, false);
    assert.equal(await reason(), "server namespace disconnect");
  });

  test("the server kicks the socket and its connection", async (t) => {
    const [socket, reason] = await labelled(t, { transport });
    const closed = next(socket.io.engine, "close");
    const gone = next(socket, "disconnect");
    socket.emit("kick", true);
    assert.equal((await gone)[0], "io server disconnect");
    await closed;
    assert.equal(await reason(), "server namespace disconnect");
  });

  test("the server closes the Engine.IO connection", async (t) => {
    const [socket, reason] = await labelled(t, { transport });
    const gone = next(socket, "disconnect");
    socket.emit("drop");
    assert.equal((await gone)[0], "transport close");
    assert.equal(await reason(), "forced close");
  });

  test("the client closes the Engine.IO connection", async (t) => {
    const [socket, reason] = await labelled(t, { transport });
    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    assert.equal((await gone)[0], "forced close");
    assert.equal(await reason(), "transport close");
  });

  test("a kicked socket does not come back by itself, a dropped one does", async (t) => {
    const options = {
      transport,
      reconnection: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
    };
    const socket = await connect(t, server, options);
    const first = socket.id;
    const again = next(socket, "welcome");
    socket.emit("drop");
    await again;
    assert.notEqual(socket.id, first);
    const gone = next(socket, "disconnect");
    socket.emit("kick", true);
    await gone;
    await pause(200);
    assert.equal(socket.connected, false);
  });
}

function neighbours(transport) {
  test("kicked from one namespace: the other stays, and so does the connection", async (t) => {
    const main = await connect(t, server, { transport });
    const chat = main.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    await greeting;
    const gone = next(chat, "disconnect");
    chat.emit("kick", false);
    await gone;
    assert.equal(await ack(main, "echo-ack", "here"), "here");
    const back = next(chat, "welcome");
    chat.connect();
    await back;
  });

  test("kicked with the connection: every namespace goes", async (t) => {
    const main = await connect(t, server, { transport });
    const chat = main.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    await greeting;
    const gone = [next(main, "disconnect"), next(chat, "disconnect")];
    chat.emit("kick", true);
    const [[a], [b]] = await Promise.all(gone);
    assert.deepEqual([a, b], ["io server disconnect", "io server disconnect"]);
  });

  test("what was emitted before the kick has arrived", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "seq");
    const gone = next(socket, "disconnect");
    socket.emit("sequence", 50);
    socket.emit("kick", true);
    await gone;
    assert.equal(seen.length, 50);
  });
}

describe("lines that break", { concurrency: true }, () => {
  let strict;
  before(async () => {
    strict = await start();
  });
  after(() => strict.kill());

  /** Labels a socket on a plain WebSocket. */
  async function labelledWire(t) {
    const label = `wire ${(counter += 1)}`;
    const watcher = await connect(t, strict);
    const wire = await PacketWire.open(t, strict);
    wire.send(`420["label","${label}"]`);
    await wire.take((packet) => packet === "430[true]");
    return [wire, () => eventually(() => ack(watcher, "reason-of", label))];
  }

  test("a WebSocket cut without a Close frame", async (t) => {
    const [wire, reason] = await labelledWire(t);
    wire.socket.terminate();
    assert.equal(await reason(), "transport close");
  });

  test("a WebSocket closed properly", async (t) => {
    const [wire, reason] = await labelledWire(t);
    wire.socket.close(1000);
    assert.equal(await reason(), "transport close");
  });

  test("a WebSocket that answers no ping", async (t) => {
    const [wire, reason] = await labelledWire(t);
    wire.answersPings = false;
    const began = performance.now();
    assert.equal(await reason(), "ping timeout");
    const waited = performance.now() - began;
    // A ping within 1000 ms, its pong within another 1000.
    assert.ok(waited >= 900 && waited < 4_000, `given up after ${waited} ms`);
    await wire.close();
  });

  test("a polling session that never polls again", async (t) => {
    const label = `poller ${(counter += 1)}`;
    const watcher = await connect(t, strict);
    const session = await (await Polling.open(strict)).join();
    await session.post(`420["label","${label}"]`);
    assert.equal(await eventually(() => ack(watcher, "reason-of", label)), "ping timeout");
    assert.equal((await session.poll()).status, 400);
  });

  test("a polling client says goodbye", async (t) => {
    const label = `leaver ${(counter += 1)}`;
    const watcher = await connect(t, strict);
    const session = await (await Polling.open(strict)).join();
    await session.post(`420["label","${label}"]`);
    await session.post("1");
    assert.equal(await eventually(() => ack(watcher, "reason-of", label)), "transport close");
  });

  test("a malformed packet", async (t) => {
    const [wire, reason] = await labelledWire(t);
    wire.send("4oops");
    // Node says "forced close" here; Rialto may name the cause.
    const allowed = SUBJECT === "reference" ? ["forced close"] : ["parse error", "forced close"];
    assert.ok(allowed.includes(await reason()));
    await wire.close();
  });
});

describe("a server that dies and returns", { concurrency: true }, () => {
  for (const transport of TRANSPORTS) {
    test(`the client comes back by itself and works, ${transport.name}`, async (t) => {
      const mortal = await start(PATIENT);
      t.after(() => mortal.kill());
      const socket = await connect(t, mortal, {
        transport,
        reconnection: true,
        reconnectionDelay: 50,
        reconnectionDelayMax: 200,
      });
      const first = socket.id;
      const gone = next(socket, "disconnect");
      await mortal.kill("SIGKILL");
      assert.match((await gone)[0], /^transport (close|error)$/);

      // Emitted while there is no server: kept, and sent after the return.
      const kept = next(socket, "echo");
      socket.emit("echo", "kept", Buffer.from([1, 2]));
      await once(socket.io, "reconnect_error");
      const back = next(socket, "welcome");
      await mortal.restart();
      const [welcome] = await back;
      assert.equal(welcome.id, socket.id);
      assert.notEqual(socket.id, first);
      assert.deepEqual(await kept, ["kept", Buffer.from([1, 2])]);
      assert.equal(await ack(socket, "echo-ack", "works"), "works");
    });
  }

  test("the namespaces of one connection all come back", async (t) => {
    const mortal = await start(PATIENT);
    t.after(() => mortal.kill());
    const main = await connect(t, mortal, { reconnection: true, reconnectionDelay: 50 });
    const admin = main.io.socket("/admin", { auth: { token: "secret" } });
    const greeting = next(admin, "welcome");
    admin.connect();
    await greeting;
    const back = [next(main, "welcome"), next(admin, "welcome")];
    await mortal.restart();
    await Promise.all(back);
    assert.equal(await ack(admin, "echo-ack", "works"), "works");
  });

  test("a client that waits for a server meets it when it starts", async (t) => {
    const late = await start(PATIENT);
    t.after(() => late.kill());
    await late.kill();
    const options = { transport: TRANSPORTS[2], reconnection: true, reconnectionDelay: 50 };
    const socket = client(t, late, options);
    const greeting = next(socket, "welcome");
    socket.connect();
    await once(socket, "connect_error");
    await late.restart();
    await greeting;
  });
});

describe("a server that is told to stop", { concurrency: true }, () => {
  test("it ends within three seconds with status 0 and tells every client", async (t) => {
    const stopping = await start(PATIENT);
    t.after(() => stopping.kill());
    const sockets = await Promise.all(
      TRANSPORTS.map((transport) => connect(t, stopping, { transport })),
    );
    const raw = new WebSocket(`${stopping.url.replace("http", "ws")}/echo`);
    await once(raw, "open");
    const rawClosed = once(raw, "close");
    const idle = await fetch(`${stopping.url}/health`);
    assert.equal(await idle.text(), "ok");
    const gone = sockets.map((socket) => next(socket, "disconnect"));

    const { code, signal, ms } = await stopping.kill("SIGTERM");
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
    assert.ok(ms < 3_000, `took ${ms} ms`);
    for (const [reason] of await Promise.all(gone)) {
      assert.match(reason, /^transport (close|error)$/);
    }
    assert.equal((await rawClosed)[0], 1001);
    await assert.rejects(fetch(`${stopping.url}/health`));
  });

  test("without any client it ends as well", async () => {
    const { code, ms } = await (await start()).kill("SIGTERM");
    assert.equal(code, 0);
    assert.ok(ms < 3_000, `took ${ms} ms`);
  });

  test("its clients meet the next one", async (t) => {
    const stopping = await start(PATIENT);
    t.after(() => stopping.kill());
    const socket = await connect(t, stopping, { reconnection: true, reconnectionDelay: 50 });
    const back = next(socket, "welcome");
    await stopping.restart("SIGTERM");
    await back;
    assert.equal(await ack(socket, "echo-ack", "works"), "works");
  });
});

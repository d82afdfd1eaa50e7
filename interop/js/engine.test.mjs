// The bare Engine.IO endpoint with the stock npm client: messages, upgrade, heartbeats, limits.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Socket } from "engine.io-client";
import { TRANSPORTS, next, pause } from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";
import { PacketWire, Polling } from "./wire.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

/** Opens the endpoint; on "after the upgrade" waits for it. The test's end closes it. */
async function open(t, { transport = TRANSPORTS[1], on = server, ...options } = {}) {
  const socket = new Socket(on.url, { path: "/engine.io/", ...transport.options, ...options });
  socket.binaryType = "nodebuffer";
  t.after(() => socket.close());
  await next(socket, "open");
  if (transport.settled === "websocket" && socket.transport.name !== "websocket") {
    await next(socket, "upgrade");
  }
  return socket;
}

/** Sends all and waits for as many messages. */
function echoed(socket, sent) {
  return new Promise((resolve, reject) => {
    const seen = [];
    socket.on("message", (data) => {
      seen.push(data);
      if (seen.length === sent.length) {
        resolve(seen);
      }
    });
    socket.on("close", (reason) => reject(new Error(`${reason} after ${seen.length} messages`)));
    sent.forEach((data) => socket.send(data));
  });
}

for (const transport of TRANSPORTS) {
  describe(`Engine.IO, ${transport.name}`, { concurrency: 4 }, () => {
    handshakes(transport);
    messages(transport);
    ends(transport);
  });
}

function handshakes(transport) {
  test("the handshake tells the settings", async (t) => {
    const socket = new Socket(server.url, { path: "/engine.io/", ...transport.options });
    t.after(() => socket.close());
    const handshake = next(socket, "handshake");
    await next(socket, "open");
    const [{ sid, upgrades, ...rest }] = await handshake;
    assert.match(sid, /^[\w-]{20}$/);
    const onPolling = transport.options.transports[0] === "polling";
    assert.deepEqual(upgrades, onPolling ? ["websocket"] : []);
    assert.deepEqual(rest, { pingInterval: 200, pingTimeout: 20_000, maxPayload: 100_000 });
  });

  test("heartbeats come at their interval", async (t) => {
    const socket = await open(t, { transport });
    let pings = 0;
    socket.on("heartbeat", () => {
      pings += 1;
    });
    await pause(1_100);
    assert.ok(pings >= 3 && pings <= 6, `${pings} in 1.1 s at one per 200 ms`);
  });
}

function messages(transport) {
  test("text comes back as text", async (t) => {
    // Without U+001E, which parts the packets of a polling body and has no escape there.
    const sent = ["a", "Привет 🦀", "2probe", "b4AQID", '{"json":[1]}', "x".repeat(50_000)];
    assert.deepEqual(await echoed(await open(t, { transport }), sent), sent);
  });

  test("binary comes back as binary", async (t) => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const sent = [every, Buffer.from([4]), Buffer.alloc(40_000, 7)];
    assert.deepEqual(await echoed(await open(t, { transport }), sent), sent);
  });

  test("five hundred of both kinds keep their order", async (t) => {
    const sent = Array.from({ length: 500 }, (_, i) =>
      i % 4 ? `message ${i}` : Buffer.from([i % 256]),
    );
    assert.deepEqual(await echoed(await open(t, { transport }), sent), sent);
  });

  test("a client that forces base64 gets it", async (t) => {
    const socket = await open(t, { transport, forceBase64: true, query: { b64: 1 } });
    const sent = [Buffer.from([1, 2, 255]), "text"];
    assert.deepEqual(await echoed(socket, sent), sent);
  });
}

function ends(transport) {
  test("a message over the limit ends the connection and no other", async (t) => {
    const [loud, calm] = await Promise.all([open(t, { transport }), open(t, { transport })]);
    const end = next(loud, "close");
    loud.send("x".repeat(100_001));
    assert.match((await end)[0], /^transport (close|error)$/);
    assert.deepEqual(await echoed(calm, ["on"]), ["on"]);
  });

  test("the client may leave while messages are on their way", async (t) => {
    const socket = await open(t, { transport });
    const end = next(socket, "close");
    Array.from({ length: 100 }, () => socket.send("x".repeat(500)));
    socket.close();
    assert.equal((await end)[0], "forced close");
    const other = await open(t, { transport });
    assert.deepEqual(await echoed(other, ["on"]), ["on"]);
  });
}

describe("packets by hand", { concurrency: true }, () => {
  const path = "/engine.io/";

  test("an empty message is a message", async (t) => {
    const wire = await PacketWire.open(t, server, { path, join: false });
    wire.send("4", "4after");
    assert.equal(await wire.take((packet) => packet === "4"), "4");
    assert.equal(await wire.take((packet) => packet === "4after"), "4after");
  });

  test("polling and base64", async () => {
    const session = await Polling.open(server, path);
    assert.equal((await session.post("4text\u001ebAQIDBA==\u001e4")).body, "ok");
    let body = "";
    while (!body.endsWith("\u001e4")) {
      // Heartbeats may fall between.
      body += `${body && "\u001e"}${(await session.poll()).body}`;
    }
    const packets = body.split("\u001e").filter((packet) => packet !== "2");
    assert.deepEqual(packets, ["4text", "bAQIDBA==", "4"]);
  });

  test("a close packet ends the WebSocket", async (t) => {
    const wire = await PacketWire.open(t, server, { path, join: false });
    wire.send("1");
    const closed = await Promise.race([wire.closed.then(() => true), pause(300).then(() => false)]);
    // Node hears it on polling alone.
    assert.equal(closed, pick({ reference: false, rialto: true }));
  });

  test("the endpoints know only their own sessions", async () => {
    const session = await Polling.open(server, path);
    session.path = "/socket.io/";
    assert.equal((await session.poll()).status, 400);
  });
});

describe("a client that does not answer pings", { concurrency: true }, () => {
  let strict;
  before(async () => {
    strict = await start({ pingInterval: 300, pingTimeout: 300 });
  });
  after(() => strict.kill());

  test("is closed after interval and timeout, on a WebSocket", async (t) => {
    const wire = await PacketWire.open(t, strict, { path: "/engine.io/", join: false });
    wire.answersPings = false;
    const began = performance.now();
    const { code } = await wire.close();
    const waited = performance.now() - began;
    assert.ok(waited >= 450 && waited < 3_000, `closed after ${waited} ms, expected 600`);
    // Node closes without a code or cuts, Rialto says why.
    assert.ok(
      pick({ reference: code >= 1_000, rialto: ![1005, 1006].includes(code) }),
      `code ${code}`,
    );
  });

  test("is closed after interval and timeout, on polling", async () => {
    const session = await Polling.open(strict, "/engine.io/");
    assert.equal((await session.poll()).body, "2");
    const { status, body } = await session.poll();
    assert.ok((status === 200 && ["1", "6"].includes(body)) || status === 400, `${status} ${body}`);
    assert.equal((await session.poll()).status, 400);
  });
});

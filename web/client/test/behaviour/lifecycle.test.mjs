// The end of a connection and the way back.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { acceptOnly, startRawServer } from "../support/raw-server.mjs";
import { contractServer, needsOwnServer, startServer } from "../support/server.mjs";
import {
  connected,
  io,
  Manager,
  needsJson,
  next,
  nodeOptions,
  open,
  sleep,
  subject,
  until,
} from "../support/subject.mjs";

const url = await contractServer(after);
const quick = { reconnectionDelay: 20, reconnectionDelayMax: 50 };
const onlyJson = { skip: needsOwnServer.skip || needsJson.skip };

for (const transport of ["polling", "websocket"]) {
  const options = { ...quick, transports: [transport] };

  test(`${transport}: the server disconnects the socket`, async (t) => {
    const socket = await connected(t, url, options);
    socket.emit("kick", false);
    const [reason] = await next(socket, "disconnect");
    assert.equal(reason, "io server disconnect");
    assert.equal(socket.connected, false);
    assert.equal(socket.active, false, "no automatic way back");
    assert.equal(socket.id, undefined);
    socket.connect();
    await next(socket, "connect");
  });

  test(`${transport}: the server closes the connection, the client comes back`, async (t) => {
    const socket = await connected(t, url, options);
    const before = socket.id;
    socket.emit("drop");
    const [reason, details] = await next(socket, "disconnect");
    assert.equal(reason, "transport close");
    assert.equal(typeof details.description, "string");
    assert.equal(socket.active, true);
    await next(socket, "connect");
    // The same id only where the server continues the session.
    assert.equal(socket.id === before, Boolean(socket.recovered));
    assert.equal(await socket.emitWithAck("echo-ack", "again"), "again");
  });

  test(`${transport}: the client disconnects`, async (t) => {
    const socket = await connected(t, url, options);
    const ended = next(socket, "disconnect");
    assert.equal(socket.disconnect(), socket);
    assert.deepEqual((await ended)[0], "io client disconnect");
    assert.equal(socket.active, false);
    assert.equal(socket.io.engine.readyState === "open", false);
  });

  test(`${transport}: what was emitted before disconnect() leaves`, onlyJson, async (t) => {
    const server = await startServer();
    t.after(() => server.close());
    // Packets, not events: the Node server drops an event that comes together with the goodbye.
    const seen = [];
    server.io.engine.on("connection", (connection) => {
      connection.on("packet", ({ type, data }) => type === "message" && seen.push(data));
    });
    const socket = await connected(t, server.url, options);
    socket.emit("last words", "bye");
    socket.disconnect();
    await until(() => seen.length === 3);
    assert.deepEqual(seen, ["0", '2["last words","bye"]', "1"]);
    await until(() => server.io.engine.clientsCount === 0);
  });

  test(`${transport}: comes back when the server was restarted`, needsOwnServer, async (t) => {
    const first = await startServer();
    const socket = await connected(t, first.url, options);
    const events = [];
    for (const event of ["reconnect_attempt", "reconnect_error", "reconnect"]) {
      socket.io.on(event, (value) => events.push([event, value]));
    }
    const lost = next(socket, "disconnect");
    await first.close();
    const [reason] = await lost;
    assert.match(reason, /^transport (close|error)$/);
    socket.emit("echo", "written while offline");
    await until(() => events.some(([event]) => event === "reconnect_error"));

    const second = await startServer({}, undefined, first.port);
    t.after(() => second.close());
    const [text] = await next(socket, "echo");
    assert.equal(text, "written while offline");
    assert.deepEqual(events[0], ["reconnect_attempt", 1]);
    const [last, attempts] = events.at(-1);
    assert.equal(last, "reconnect");
    assert.ok(attempts >= 2);
  });
}

test("engine.close() is a loss like any other", async (t) => {
  const socket = await connected(t, url, quick);
  const lost = next(socket, "disconnect");
  const closed = next(socket.io, "close");
  socket.io.engine.close();
  assert.equal((await lost)[0], "forced close");
  assert.equal((await closed)[0], "forced close");
  await next(socket, "connect");
});

test("disconnect() and connect() at once", async (t) => {
  const socket = await connected(t, url);
  const before = socket.id;
  socket.disconnect();
  socket.connect();
  await next(socket, "connect");
  assert.notEqual(socket.id, before);
});

test("disconnect() and connect() on a shared connection", async (t) => {
  const manager = new Manager(url, nodeOptions);
  const main = manager.socket("/");
  const chat = manager.socket("/chat");
  t.after(() => [main, chat].forEach((socket) => socket.disconnect()));
  await Promise.all([next(main, "connect"), next(chat, "connect")]);
  const { engine } = manager;
  chat.disconnect();
  // Of stock, a Node server may read both packets at once, and take the CONNECT for a duplicate.
  if (subject === "stock") await main.emitWithAck("info");
  chat.connect();
  await next(chat, "connect");
  assert.equal(await chat.emitWithAck("echo-ack", "back"), "back");
  assert.equal(manager.engine, engine);
  assert.equal(main.connected, true);
});

const beyondStock = { skip: subject === "stock" ? "the stock client loses the connection" : false };

test("a handshake that was abandoned does not disturb the next", beyondStock, async (t) => {
  const manager = new Manager(url, { ...nodeOptions, transports: ["websocket"] });
  const main = manager.socket("/");
  t.after(() => [main, slow].forEach((socket) => socket.disconnect()));
  await next(main, "connect");
  const { engine } = manager;
  const slow = manager.socket("/slow", { auth: { name: "first" } });
  let connections = 0;
  slow.on("connect", () => connections++);
  slow.disconnect();
  slow.auth = { name: "second" };
  slow.connect();
  await next(slow, "connect");
  assert.equal((await slow.emitWithAck("handshake")).auth.name, "second");
  assert.equal(connections, 1);
  assert.equal(manager.engine, engine);
  assert.equal(main.connected, true);
});

test("gives up after reconnectionAttempts", async (t) => {
  const server = await startServer();
  await server.close();
  const socket = open(t, server.url, { ...quick, reconnectionAttempts: 2 });
  const attempts = [];
  socket.io.on("reconnect_attempt", (n) => attempts.push(n));
  let errors = 0;
  socket.io.on("reconnect_error", () => errors++);
  await next(socket.io, "reconnect_failed");
  await sleep(100);
  assert.deepEqual(attempts, [1, 2]);
  assert.equal(errors, 2);
});

test("reconnection: false stays away", async (t) => {
  const socket = await connected(t, url, { ...quick, reconnection: false });
  socket.emit("drop");
  await next(socket, "disconnect");
  await sleep(150);
  assert.equal(socket.connected, false);
});

test("the options of reconnection can be read and set", () => {
  const manager = new Manager(url, { autoConnect: false });
  assert.equal(manager.reconnection(), true);
  assert.equal(manager.reconnectionAttempts(), Infinity);
  assert.equal(manager.reconnectionDelay(), 1000);
  assert.equal(manager.reconnectionDelayMax(), 5000);
  assert.equal(manager.randomizationFactor(), 0.5);
  assert.equal(manager.timeout(), 20000);
  for (const [name, value] of [
    ["reconnection", false],
    ["reconnectionAttempts", 3],
    ["reconnectionDelay", 5],
    ["reconnectionDelayMax", 6],
    ["randomizationFactor", 0],
    ["timeout", 7],
  ]) {
    assert.equal(manager[name](value), manager);
    assert.equal(manager[name](), value);
  }
});

test("events emitted before the connection arrive in order", async (t) => {
  const socket = open(t, url);
  const received = [];
  socket.on("echo", (i) => received.push(i));
  for (let i = 0; i < 20; i++) socket.emit("echo", i);
  const answer = socket.emitWithAck("echo-ack", "buffered");
  await until(() => received.length === 20);
  assert.deepEqual(
    received,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.equal(await answer, "buffered");
});

test("an event that timed out while it waited is not sent", async (t) => {
  const socket = open(t, `${url}/slow`);
  const received = [];
  socket.on("echo", (name) => received.push(name));
  const error = await new Promise((resolve) => socket.timeout(30).emit("echo", "stale", resolve));
  assert.match(error.message, /timed out/);
  assert.equal(socket.sendBuffer.length, 0);
  socket.emit("echo", "fresh");
  await until(() => received.length > 0);
  assert.deepEqual(received, ["fresh"]);
});

test("the server's pings are seen and answered", async (t) => {
  const socket = await connected(t, url);
  await next(socket.io, "ping");
  await next(socket.io, "ping");
  assert.equal(socket.connected, true);
});

test("no pings: the connection is dead", needsJson, async (t) => {
  const server = await startRawServer(acceptOnly, { pingInterval: 150, pingTimeout: 100 });
  t.after(() => server.close());
  const options = { transports: ["websocket"], reconnection: false };
  const socket = await connected(t, server.url, options);
  const [reason] = await next(socket, "disconnect", 1000);
  assert.equal(reason, "ping timeout");
});

test("a connection that takes too long runs into the timeout", async (t) => {
  const server = await startRawServer(() => {});
  t.after(() => server.close());
  const options = { transports: ["websocket"], timeout: 1, reconnection: false };
  const socket = open(t, server.url, options);
  const [error] = await next(socket, "connect_error");
  assert.equal(error.message, "timeout");
});

for (const [name, packet] of [
  ["an unknown packet type", "49"],
  ["no JSON", "42{"],
  ["an event without a name", "42[]"],
  ["a reserved event", '42["connect"]'],
  ["an ack that is no list", '431{"a":1}'],
  ["bytes that never come", '451-["a",{"_placeholder":true,"num":0}]|42["b"]'],
]) {
  test(`parse error: ${name}`, needsJson, async (t) => {
    const server = await startRawServer((text, ws) => {
      acceptOnly(text, ws);
      if (text.startsWith("42")) packet.split("|").forEach((part) => ws.send(part));
    });
    t.after(() => server.close());
    const options = { transports: ["websocket"], reconnection: false };
    const socket = await connected(t, server.url, options);
    socket.emit("go");
    const [reason, details] = await next(socket, "disconnect");
    assert.equal(reason, "parse error");
    assert.ok(details instanceof Error);
  });
}

test("recovery: missed events come, the state continues", needsOwnServer, async (t) => {
  const server = await startServer({ connectionStateRecovery: {} });
  t.after(() => server.close());
  const socket = await connected(t, server.url, quick);
  assert.equal(socket.recovered, false);
  const id = socket.id;
  server.io.emit("numbered", 1);
  const received = [];
  socket.on("numbered", (i) => received.push(i));
  await until(() => received.length === 1);
  const lost = next(socket, "disconnect");
  socket.io.engine.close();
  await lost;
  server.io.emit("numbered", 2);
  await next(socket, "connect");
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  await until(() => received.length === 2);
  assert.deepEqual(received, [1, 2]);
});

for (const pid of [undefined, "secret"]) {
  test(`recovery: asks for it only with a pid, here ${pid}`, needsJson, async (t) => {
    const payloads = [];
    const server = await startRawServer((text, ws) => {
      if (!text.startsWith("40")) return;
      payloads.push(JSON.parse(text.slice(2) || "{}"));
      ws.send(`40${JSON.stringify({ sid: "s", pid })}`);
      ws.send('42["a","offset 1"]');
      ws.send('42["a",2]');
      ws.send('421["with ack","offset 3"]');
    });
    t.after(() => server.close());
    const options = { ...quick, transports: ["websocket"], auth: { token: "t" } };
    const socket = open(t, server.url, options);
    await next(socket, "with ack");
    socket.io.engine.close();
    await next(socket, "with ack");
    assert.deepEqual(payloads[0], { token: "t" });
    const session = pid ? { pid, offset: "offset 1" } : {};
    assert.deepEqual(payloads[1], { ...session, token: "t" });
  });
}

test("retries: sent again until acknowledged, in order", needsOwnServer, async (t) => {
  const seen = [];
  const server = await startServer({}, (server) => {
    server.on("connection", (socket) => {
      socket.on("job", (name, ack) => {
        seen.push(name);
        if (seen.length > 2) ack(`done ${name}`);
      });
    });
  });
  t.after(() => server.close());
  const socket = open(t, server.url, { retries: 3, ackTimeout: 80 });
  const answers = [];
  socket.emit("job", "a", (error, answer) => answers.push([error, answer]));
  socket.emit("job", "b", (error, answer) => answers.push([error, answer]));
  await until(() => answers.length === 2);
  assert.deepEqual(seen, ["a", "a", "a", "b"]);
  assert.deepEqual(answers, [
    [null, "done a"],
    [null, "done b"],
  ]);
});

test("retries: gives up and goes on with the next", needsOwnServer, async (t) => {
  const server = await startServer({}, (server) => {
    server.on("connection", (socket) => socket.on("good", (ack) => ack("yes")));
  });
  t.after(() => server.close());
  const socket = open(t, server.url, { retries: 1, ackTimeout: 40 });
  const bad = new Promise((resolve) => socket.emit("bad", resolve));
  const good = new Promise((resolve) => socket.emit("good", (error, answer) => resolve(answer)));
  assert.match((await bad).message, /timed out/);
  assert.equal(await good, "yes");
});

test("cached managers come back to life", async (t) => {
  const first = io(`${url}/chat`, { ...nodeOptions, path: "/socket.io/" });
  t.after(() => first.disconnect());
  await next(first, "connect");
  first.disconnect();
  first.connect();
  await next(first, "connect");
  assert.equal(await first.emitWithAck("echo-ack", 1), 1);
});

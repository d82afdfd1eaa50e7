// Connecting: transports, upgrade, namespaces, authentication, refusals.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { WebSocketServer } from "ws";

import { contractServer, needsOwnServer, startServer } from "../support/server.mjs";
import {
  client,
  connected,
  io,
  Manager,
  next,
  nodeOptions,
  open,
  sleep,
  subject,
  until,
} from "../support/subject.mjs";

const url = await contractServer(after);

test("the module offers what socket.io-client offers", () => {
  assert.equal(client.default, io);
  assert.equal(io.connect, io);
  assert.equal(io.Manager, Manager);
  assert.equal(typeof io.Socket, "function");
  assert.equal(client.protocol ?? io.protocol, 5);
});

for (const transport of ["polling", "websocket"]) {
  test(`connects on ${transport} only`, async (t) => {
    const socket = open(t, url, { transports: [transport] });
    assert.equal(socket.connected, false);
    assert.equal(socket.disconnected, true);
    assert.equal(socket.active, true);
    assert.equal(socket.id, undefined);
    await next(socket, "connect");
    assert.equal(socket.connected, true);
    assert.equal(socket.io.engine.transport.name, transport);
    const info = await socket.emitWithAck("info");
    assert.equal(info.id, socket.id);
    assert.equal(info.transport, transport);
    assert.notEqual(socket.id, socket.io.engine.id);
  });
}

test("starts with polling and moves to WebSocket", async (t) => {
  const socket = open(t, url);
  await next(socket.io, "open");
  assert.equal(socket.io.engine.transport.name, "polling");
  const [transport] = await next(socket.io.engine, "upgrade");
  assert.equal(transport.name, "websocket");
  assert.equal(socket.io.engine.transport.name, "websocket");
  assert.equal((await socket.emitWithAck("info")).transport, "websocket");
});

test("upgrade: false stays on polling", async (t) => {
  const socket = await connected(t, url, { upgrade: false });
  await sleep(150);
  assert.equal(socket.io.engine.transport.name, "polling");
});

test("rememberUpgrade starts with WebSocket once it worked", async (t) => {
  const first = open(t, url);
  await next(first.io, "open");
  await next(first.io.engine, "upgrade");
  const second = open(t, url, { rememberUpgrade: true });
  await next(second.io, "open");
  assert.equal(second.io.engine.transport.name, "websocket");
});

test("1000 events arrive in order across the upgrade", async (t) => {
  const socket = open(t, url);
  const received = [];
  socket.on("seq", (i) => received.push(i));
  socket.on("echo", (i) => received.push(`echo ${i}`));
  await next(socket.io, "open");
  let upgraded = false;
  socket.io.engine.on("upgrade", () => (upgraded = true));
  socket.emit("sequence", 500);
  for (let i = 0; i < 500; i++) {
    socket.emit("echo", i);
    // Spread over the upgrade: half of them before its end, however long it takes.
    if (i === 250) await until(() => upgraded);
    else if (i % 5 === 0) await new Promise(setImmediate);
  }
  await until(() => received.length === 1000);
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  assert.deepEqual(
    received.filter((item) => typeof item === "number"),
    numbers,
  );
  assert.deepEqual(
    received.filter((item) => typeof item === "string"),
    numbers.map((i) => `echo ${i}`),
  );
});

test("namespaces share one connection", async (t) => {
  const manager = new Manager(url, nodeOptions);
  const main = manager.socket("/");
  const chat = manager.socket("/chat");
  t.after(() => [main, chat].forEach((socket) => socket.disconnect()));
  await Promise.all([next(main, "connect"), next(chat, "connect")]);
  assert.equal(main.io.engine, chat.io.engine);
  assert.notEqual(main.id, chat.id);
  assert.equal((await chat.emitWithAck("info")).nsp, "/chat");
  assert.equal(manager.socket("/chat"), chat);

  main.disconnect();
  assert.equal(chat.connected, true);
  assert.equal(await chat.emitWithAck("echo-ack", "still here"), "still here");
});

test("io() shares the connection by URL, unless told not to", async (t) => {
  const sockets = [
    io(`${url}/`, nodeOptions),
    io(`${url}/chat`, nodeOptions),
    io(`${url}/chat`, { ...nodeOptions, forceNew: true }),
    io(`${url}/slow`, { ...nodeOptions, multiplex: false }),
    io(`${url}/chat`, nodeOptions),
  ];
  t.after(() => sockets.forEach((socket) => socket.disconnect()));
  const [main, chat, forced, separate, again] = sockets.map((socket) => socket.io);
  assert.equal(main, chat);
  assert.notEqual(forced, main);
  assert.notEqual(separate, main);
  assert.notEqual(again, main, "the same namespace twice gets a connection of its own");
  await Promise.all(sockets.map((socket) => socket.connected || next(socket, "connect")));
  assert.equal(new Set(sockets.map((socket) => socket.id)).size, 5);
});

test("sends the payload of auth, as object or from a function", async (t) => {
  const fixed = await connected(t, `${url}/admin`, { auth: { token: "secret" } });
  assert.deepEqual((await fixed.emitWithAck("handshake")).auth, { token: "secret" });

  let calls = 0;
  const auth = (give) => setTimeout(() => give({ token: "secret", calls: ++calls }), 10);
  const asked = await connected(t, `${url}/admin`, { auth });
  assert.equal((await asked.emitWithAck("handshake")).auth.calls, 1);
  asked.disconnect().connect();
  await next(asked, "connect");
  assert.equal((await asked.emitWithAck("handshake")).auth.calls, 2);
});

test("a refusal carries message and data, and is final", async (t) => {
  const socket = open(t, `${url}/admin`, { auth: { token: "wrong" } });
  const [error] = await next(socket, "connect_error");
  assert.ok(error instanceof Error);
  assert.equal(error.message, "unauthorized");
  assert.deepEqual(error.data, { code: 401, content: "no token" });
  assert.equal(socket.active, false);
  assert.equal(socket.connected, false);

  socket.auth = { token: "secret" };
  socket.connect();
  await next(socket, "connect");
  assert.equal(socket.active, true);
});

test("an unknown namespace is refused, the others stay", async (t) => {
  const manager = new Manager(url, nodeOptions);
  const main = manager.socket("/");
  t.after(() => main.disconnect());
  await next(main, "connect");
  const [error] = await next(manager.socket("/nowhere"), "connect_error");
  assert.equal(error.message, "Invalid namespace");
  assert.equal(main.connected, true);
});

test("query and headers reach the server", async (t) => {
  const options = { transports: ["polling"], query: { a: "1 & 2", ü: "é" } };
  const socket = await connected(t, url, { ...options, extraHeaders: { "x-test": "yes" } });
  const { query, header } = await socket.emitWithAck("handshake");
  assert.equal(query.a, "1 & 2");
  assert.equal(query.ü, "é");
  assert.equal(query.EIO, "4");
  assert.equal(header, "yes");

  const refused = open(t, `${url}?fail=1`);
  const [error] = await next(refused, "connect_error");
  assert.equal(error.message, "main refused");
});

test("autoConnect: false waits for connect()", async (t) => {
  const socket = open(t, url, { autoConnect: false });
  await sleep(50);
  assert.equal(socket.active, false);
  assert.equal(socket.io.engine, undefined);
  socket.connect();
  await next(socket, "connect");
});

test("nobody listens: connect_error, again and again, and still active", async (t) => {
  const server = await startServer();
  await server.close();
  const socket = open(t, server.url, { reconnectionDelay: 10, reconnectionDelayMax: 20 });
  const [error] = await next(socket, "connect_error");
  assert.ok(error instanceof Error);
  assert.equal(error.type, "TransportError");
  assert.equal(socket.active, true);
  await next(socket, "connect_error");
});

test("tryAllTransports goes on to the next transport", needsOwnServer, async (t) => {
  const server = await startServer({ transports: ["polling"] });
  t.after(() => server.close());
  const options = { transports: ["websocket", "polling"], tryAllTransports: true };
  const socket = await connected(t, server.url, options);
  assert.equal(socket.io.engine.transport.name, "polling");
});

test("a path of the application's choice", needsOwnServer, async (t) => {
  const server = await startServer({ path: "/live/" });
  t.after(() => server.close());
  const socket = await connected(t, server.url, { path: "/live" });
  assert.equal(await socket.emitWithAck("echo-ack", 1), 1);
});

test("a veto of the server is a connect_error with the HTTP status", needsOwnServer, async (t) => {
  const server = await startServer({
    allowRequest: (_request, give) => give("denied by app", false),
  });
  t.after(() => server.close());
  const socket = open(t, server.url, { transports: ["polling"], reconnection: false });
  const [error] = await next(socket, "connect_error");
  assert.equal(error.type, "TransportError");
  assert.equal(error.description, 403);
  if (subject === "stock") return;
  // Beyond the reference: what the server said is there, read and as it came.
  assert.deepEqual(error.data, { code: 4, message: "denied by app" });
  assert.match(error.context.responseText, /denied by app/);
});

/** Where the stock client does less: what it does instead. */
const unlessStock = (does) => ({ skip: needsOwnServer.skip || (subject === "stock" && does) });
const beyondStock = {
  leaving: unlessStock("the stock client leaves one behind"),
  upgrade: unlessStock("the stock client hangs until the ping timeout"),
};

test("leaving before the handshake is over leaves no session", beyondStock.leaving, async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const socket = open(t, server.url, { transports: ["polling"], reconnection: false });
  const opened = next(server.io.engine, "connection");
  socket.disconnect();
  await opened;
  await until(() => server.io.engine.clientsCount === 0, 1500);
});

test("leaving sends one farewell, also when the poll ends later", needsOwnServer, async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const answers = [];
  server.http.on("request", ({ method }, response) => {
    response.once("finish", () => answers.push(`${method} ${response.statusCode}`));
  });
  const socket = await connected(t, server.url, { transports: ["polling"] });
  answers.length = 0;
  socket.disconnect();
  await until(() => server.io.engine.clientsCount === 0);
  await sleep(100);
  assert.ok(answers.includes("GET 200"), `no poll was under way: ${answers}`);
  // A second farewell would name a session that is gone: 400, and an error in the console.
  assert.deepEqual(answers.filter((answer) => !answer.endsWith("200")), []);
});

test(
  "an upgrade that breaks off half-way leaves polling at work",
  beyondStock.upgrade,
  async (t) => {
    const server = await startServer();
    t.after(() => server.close());
    const broken = new WebSocketServer({ noServer: true });
    server.http.removeAllListeners("upgrade").on("upgrade", (...request) => {
      broken.handleUpgrade(...request, (ws) => {
        // Late enough for the poll under way to be an idle one, which the pause waits for.
        ws.on("message", () => setTimeout(() => ws.send("3probe", () => ws.close()), 100));
      });
    });
    const socket = open(t, server.url);
    await next(socket.io, "open");
    const upgrading = next(socket.io.engine, "upgrading");
    const [error] = await next(socket.io.engine, "upgradeError");
    await upgrading;
    assert.match(error.message, /probe error/);
    assert.equal(socket.io.engine.transport.name, "polling");
    assert.equal(await socket.emitWithAck("echo-ack", "still here"), "still here");
    assert.equal((await socket.emitWithAck("info")).transport, "polling");
  },
);

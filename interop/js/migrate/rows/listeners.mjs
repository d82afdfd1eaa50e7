import assert from "node:assert/strict";
import { NodeWebSocket, NodeXHR } from "engine.io-client";
import { ack, collect, next, request } from "../../clients.mjs";
import { greeted, inTable, join, printedHere, row, said } from "../subject.mjs";

row('io.on("connection", (socket) => socket.emit("welcome", "Hello!"))', async (t) => {
  assert.equal((await greeted(t, "tables", "/table-0"))[1], "Hello!");
});

row('socket.on("say", (text) => io.emit("said", text))', async (t) => {
  const [one, two] = await inTable(t, "table", 2);
  const heard = [next(one, "said"), next(two, "said")];
  one.emit("say", "hello");
  assert.deepEqual(await Promise.all(heard), [["hello"], ["hello"]]);
});

row('socket.on("move", (x, y) => socket.broadcast.emit("moved", x, y))', async (t) => {
  const [one, two] = await inTable(t, "table", 2);
  const [own, moved] = [collect(one, "moved"), next(two, "moved")];
  one.emit("move", 1.5, 2);
  assert.deepEqual(await moved, [1.5, 2]);
  await ack(one, "flush");
  assert.deepEqual(own, []);
});

row('socket.on("typing", () => socket.broadcast.emit("typing"))', async (t) => {
  const [one, two] = await inTable(t, "table", 2);
  const typing = next(two, "typing");
  one.emit("typing");
  assert.deepEqual(await typing, []);
});

row('socket.on("play", (...args) => socket.emit("played", ...args))', async (t) => {
  const [socket] = await inTable(t, "table");
  const played = await request(socket, ["play", 1, "two", { three: [Buffer.from("3")] }], "played");
  assert.deepEqual(played, [1, "two", { three: [Buffer.from("3")] }]);
});

row('socket.on("sum", (a, b, answer) => answer(a + b))', async (t) => {
  const [socket] = await inTable(t, "table");
  assert.equal(await ack(socket, "sum", 1, 2.5), 3.5);
});

row('socket.once("ready", () => socket.join("players"))', async (t) => {
  const [one, two] = await inTable(t, "table", 2);
  one.emit("ready");
  assert.equal(await ack(one, "playing"), true);
  await ack(one, "stop");
  one.emit("ready");
  assert.equal(await ack(one, "playing"), false);
  two.emit("ready");
  assert.equal(await ack(two, "playing"), true);
});

/** The names of the events that arrive, in their order. */
function names(socket) {
  const seen = [];
  socket.onAny((name) => seen.push(name));
  return seen;
}

row('socket.prependListener("say", (text) => socket.emit("echo", text))', async (t) => {
  const [socket] = await inTable(t, "prepend");
  const seen = names(socket);
  socket.emit("say", "hello");
  await ack(socket, "flush");
  assert.deepEqual(seen, ["echo", "said"]);
});

row('socket.onAny((name, ...args) => socket.emit("seen", name))', async (t) => {
  const [socket] = await inTable(t, "any");
  assert.deepEqual(await request(socket, ["of no listener", 1], "seen"), ["of no listener"]);
  const seen = collect(socket, "seen");
  await ack(socket, "flush");
  assert.deepEqual(seen, ["flush"]);
});

row('socket.prependAny((name, ...args) => socket.emit("seen", name))', async (t) => {
  const [socket] = await inTable(t, "prepend-any");
  const seen = names(socket);
  await ack(socket, "flush");
  assert.deepEqual(seen, ["seen", "later"]);
});

row(['socket.removeAllListeners("say")', "socket.offAny()"], async (t) => {
  const [socket] = await inTable(t, "off");
  const seen = names(socket);
  socket.emit("say", "hello");
  await ack(socket, "flush");
  assert.deepEqual(seen, []);
});

const OUTGOING =
  'socket.onAnyOutgoing((name, ...args) => console.log(name + " to " + socket.id))';
const FIRST = 'socket.prependAnyOutgoing((name, ...args) => console.log("first", name))';
row([OUTGOING, FIRST], async (t) => {
  const [socket] = await inTable(t, "outgoing");
  await request(socket, ["play"], "played");
  await said(/^first played$/);
  await said(new RegExp(`^played to ${socket.id}$`));
});

row("socket.offAnyOutgoing()", async (t) => {
  const [quiet] = await inTable(t, "off-outgoing");
  const [loud] = await inTable(t, "outgoing");
  await request(quiet, ["play"], "played");
  await request(loud, ["play"], "played");
  await said(/^played to/);
  assert.deepEqual(printedHere().filter((line) => line.startsWith("still there")), []);
});

row("socket.eventNames()", async (t) => {
  const [socket] = await inTable(t, "names");
  const names = await ack(socket, "names");
  assert.deepEqual(names.filter((name) => name !== "error").sort(), ["flush", "say"]);
});

const MIDDLEWARE =
  'socket.use(([name], next) => next(name === "no" ? new Error("no") : undefined))';
row(MIDDLEWARE, async (t) => {
  const [socket] = await inTable(t, "middleware");
  const passed = collect(socket, "passed");
  assert.deepEqual(await request(socket, ["no"], "refused"), ["no"]);
  assert.deepEqual(await request(socket, ["yes"], "passed"), ["yes"]);
  assert.deepEqual(passed, ["yes"]);
});

const LEAVING = 'socket.on("disconnecting", () => console.log(socket.rooms))';
const LEFT = 'socket.on("disconnect", (reason) => console.log(reason))';
row([LEAVING, LEFT], async (t) => {
  const [socket] = await inTable(t, "leaving");
  await ack(socket, "flush");
  socket.disconnect();
  await said(/players/);
  await said(/client namespace disconnect/);
});

row("try { … } catch (error) { console.error(…); } in each listener", async (t) => {
  const [socket] = await inTable(t, "errors");
  socket.emit("fail");
  await said(new RegExp(`^${socket.id} fail: as it was told$`));
  await ack(socket, "flush");
});

row("queue = queue.then(() => work(text)), so that events wait for each other", async (t) => {
  const [socket] = await inTable(t, "sequential");
  const seen = [];
  socket.onAny((name, text) => name !== "go" && seen.push([name, text]));
  socket.on("go", (answer) => answer(null));
  const done = new Promise((resolve) => {
    socket.on("done", (text) => text === "b" && resolve());
  });
  socket.emit("work", "a");
  socket.emit("work", "b");
  await done;
  assert.deepEqual(seen, [["begun", "a"], ["done", "a"], ["begun", "b"], ["done", "b"]]);
});

row('socket.conn.on("upgrade", ({ name }) => socket.emit("moved", name))', async (t) => {
  let joined;
  const mayMove = new Promise((resolve) => (joined = resolve));
  // Whoever is on a WebSocket before it has joined does not move any more.
  class PatientWebSocket extends NodeWebSocket {
    doOpen() {
      mayMove.then(() => super.doOpen());
    }
  }
  const transports = [NodeXHR, PatientWebSocket];
  const socket = await join(t, "tables", "/moving-0", { transports });
  const moved = next(socket, "moved");
  joined();
  assert.equal(await ack(socket, "wait"), true);
  assert.deepEqual(await moved, ["websocket"]);
  const direct = await join(t, "tables", "/moving-0");
  const unmoved = collect(direct, "moved");
  assert.equal(await ack(direct, "wait"), true);
  assert.deepEqual(unmoved, []);
});

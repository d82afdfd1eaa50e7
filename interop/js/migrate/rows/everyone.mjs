import assert from "node:assert/strict";
import { ack, collect, eventually, next } from "../../clients.mjs";
import { encodings, withBytes } from "../compression.mjs";
import { inTable, join, neighbour, row, said, urls } from "../subject.mjs";

/** A row that says something to everyone: who has heard it, the speaker first. */
function tells(name, event, expected) {
  row(name, async (t) => {
    const sockets = await inTable(t, "each", 3);
    await ack(sockets[1], "be in", ["room"]);
    await ack(sockets[2], "be in", ["muted"]);
    const heard = sockets.map((socket) => collect(socket, "news"));
    sockets[0].emit(event, "hello");
    for (const socket of sockets) {
      await ack(socket, "rooms");
    }
    assert.deepEqual(heard.map(({ length }) => length), expected);
  });
}

tells(["io, in a listener", 'io.emit("news", text)'], "all", [1, 1, 1]);
tells('io.to("room").emit("news", text)', "room", [0, 1, 0]);
tells('io.except("muted").emit("news", text)', "all but", [1, 1, 0]);
tells('io.local.emit("news", text)', "local", [1, 1, 1]);

row('io.volatile.emit("news", text)', async (t) => {
  const sockets = await inTable(t, "each", 2);
  const heard = sockets.map((socket) => collect(socket, "news"));
  // It may be dropped while a connection is busy.
  await eventually(async () => {
    sockets[0].emit("volatile", "hello");
    await ack(sockets[0], "rooms");
    return heard.every((news) => news[0] === "hello");
  });
});

row('io.compress(false).emit("image", buffer)', async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  const image = next(two, "image");
  one.emit("image", Buffer.alloc(5000, 7));
  assert.deepEqual(await image, [Buffer.alloc(5000, 7)]);
  const packet = withBytes("/each-0", "image", 5000);
  assert.deepEqual(await encodings("tables", "/each-0", packet, 5000), [null]);
});

row('await io.timeout(5000).emitWithAck("question")', async (t) => {
  const sockets = await inTable(t, "each", 2);
  sockets.forEach((socket, index) => socket.on("question", (answer) => answer(`of ${index}`)));
  assert.deepEqual((await ack(sockets[0], "ask")).sort(), ["of 0", "of 1"]);
});

const FETCH = "const sockets = await io.fetchSockets()";
row([FETCH, 'await io.in("room").fetchSockets()'], async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  assert.deepEqual((await ack(one, "find")).sort(), [one.id, two.id].sort());
  await ack(two, "be in", ["room"]);
  assert.deepEqual(await ack(one, "find in a room"), [two.id]);
});

const SHOWN = "console.log(remote.rooms, remote.id, remote.handshake.url)";
const MOVES = ['remote.join("room")', 'remote.leave("other")'];
row([SHOWN, "const name = remote.data", 'remote.emit("hi", text)', ...MOVES], async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  await ack(two, "be in", ["other"]);
  await ack(two, "share", "Ada");
  const hi = next(two, "hi");
  assert.equal(await ack(one, "remote", two.id), "Ada");
  assert.deepEqual(await hi, ["from afar"]);
  const line = await said(/\/socket\.io\//);
  assert.ok(line.includes("other") && line.includes(two.id), line);
  assert.deepEqual((await ack(two, "rooms")).filter((room) => room !== two.id), ["room"]);
});

row('await remote.timeout(5000).emitWithAck("question")', async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  two.on("question", (answer) => answer("forty-two"));
  assert.equal(await ack(one, "ask remote", two.id), "forty-two");
});

/** That these sockets are ended, and with each of them what its connection has besides. */
async function endsAll(t, sockets, end) {
  const besides = await Promise.all(sockets.map((socket) => neighbour(t, socket)));
  const reasons = [...sockets, ...besides].map((socket) => next(socket, "disconnect"));
  end();
  for (const reason of reasons) {
    assert.equal((await reason)[0], "io server disconnect");
  }
}

row("remote.disconnect(true)", async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  await endsAll(t, [two], () => one.emit("end remote", two.id));
  assert.deepEqual(await ack(one, "find"), [one.id]);
});

const JOINS = ['io.in("room").socketsJoin("other")', 'io.in("room").socketsLeave("other")'];
row([...JOINS, 'io.in("room").disconnectSockets(true)'], async (t) => {
  const [one, two] = await inTable(t, "each", 2);
  const rooms = async (socket) => {
    return (await ack(socket, "rooms")).filter((room) => room !== socket.id).sort();
  };
  await ack(two, "be in", ["room"]);
  await ack(one, "room joins");
  assert.deepEqual([await rooms(one), await rooms(two)], [[], ["other", "room"]]);
  await ack(one, "room leaves");
  assert.deepEqual([await rooms(one), await rooms(two)], [[], ["room"]]);
  await endsAll(t, [two], () => one.emit("room ends"));
  assert.deepEqual(await rooms(one), []);
});

const ALL = ['io.socketsJoin("room")', 'io.socketsLeave("room")', "io.disconnectSockets(true)"];
row(ALL, async (t) => {
  const sockets = await inTable(t, "each", 2);
  const inRoom = async () => (await ack(sockets[0], "find in a room")).length;
  await ack(sockets[0], "all join");
  assert.equal(await inRoom(), 2);
  await ack(sockets[0], "all leave");
  assert.equal(await inRoom(), 0);
  await endsAll(t, sockets, () => sockets[0].emit("all end"));
});

row('const admin = io.of("/admin")', async (t) => {
  const [socket, admin] = [await join(t, "whole"), await join(t, "whole", "/admin")];
  const news = next(admin, "news");
  socket.emit("to admins");
  assert.deepEqual(await news, ["for admins"]);
});

row("io, elsewhere", async (t) => {
  const socket = await join(t, "whole");
  const news = next(socket, "news");
  const response = await fetch(`${urls.whole}/announce`, { method: "POST", body: "tea" });
  assert.equal(response.status, 204);
  assert.deepEqual(await news, ["tea"]);
});

const LOOK = ['io.of("/").sockets.values()', "io._nsps.values()"];
const COUNT = ["io.engine.clientsCount", 'io.of("/").sockets.size'];
row([...LOOK, ...COUNT, 'io.of("/").sockets.get(id)'], async (t) => {
  const [one, two] = [await join(t, "whole"), await join(t, "whole")];
  await join(t, "whole", "/admin");
  // Those of the tests before this one may still be on their way out.
  const look = await eventually(async () => {
    const look = await ack(one, "look");
    return look.clients === 3 && look;
  });
  assert.deepEqual(look.sockets.sort(), [one.id, two.id].sort());
  assert.deepEqual(look.namespaces.sort(), ["/", "/admin"]);
  assert.equal(look.count, 2);
  const news = next(two, "news");
  await ack(one, "send to", two.id);
  assert.deepEqual(await news, ["for you"]);
});

const ROOMS = 'for (const [room, ids] of io.of("/").adapter.rooms) …';
const ONE = ['io.of("/").adapter.rooms.get("room")', 'io.of("/").adapter.sids.get(id)'];
row([ROOMS, ...ONE], async (t) => {
  const [one, two] = [await join(t, "whole"), await join(t, "whole")];
  await ack(one, "rooms");
  const { sizes, ids, own } = await ack(two, "rooms");
  assert.equal(sizes.room, 2);
  assert.deepEqual(ids.sort(), [one.id, two.id].sort());
  // In Node each is in the room of its own id as well.
  assert.deepEqual(own.filter((room) => room !== two.id), ["room"]);
  one.close();
  await eventually(async () => (await ack(two, "rooms")).sizes.room === 1);
});

const CHANGES =
  'io.of("/").adapter.on("create-room", (room) => console.log("Created", room)) and its like';
row(CHANGES, async (t) => {
  const socket = await join(t, "whole");
  await ack(socket, "join");
  await ack(socket, "leave");
  for (const change of ["Created", "Joined", "Left", "Deleted"]) {
    await said(new RegExp(`^${change}.*watched`));
  }
});

const SERVERS = ['io.serverSideEmit("reload", file)', 'await io.serverSideEmitWithAck("load")'];
row([...SERVERS, 'io.on("load", (answer) => answer(0.5)), of another server'], async (t) => {
  const [first, second] = [await join(t, "first"), await join(t, "second")];
  const reloaded = next(second, "reloaded");
  first.emit("reload", "page.html");
  assert.deepEqual(await reloaded, ["page.html"]);
  assert.deepEqual(await ack(first, "load"), [0.5]);
});

row("io.close()", async (t) => {
  const [one, two] = [await join(t, "closing"), await join(t, "closing")];
  const reasons = [next(one, "disconnect"), next(two, "disconnect")];
  one.emit("end");
  for (const reason of reasons) {
    assert.equal((await reason)[0], "transport close");
  }
});

import assert from "node:assert/strict";
import { ack, collect, eventually, next, request } from "../../clients.mjs";
import { encodings, withBytes } from "../compression.mjs";
import { inTable, join, neighbour, row, said, urls } from "../subject.mjs";

/** A row whose outcome is an event with these arguments. */
function sends(name, [event, ...args], reply, expected) {
  row(name, async (t) => {
    const [socket] = await inTable(t, "one");
    assert.deepEqual(await request(socket, [event, ...args], reply), expected);
  });
}

sends('socket.emit("news", x, y)', ["send news", 1, 2.5], "news", [1, 2.5]);
sends('socket.emit("list", [1, 2])', ["send list"], "list", [[1, 2]]);
sends('socket.emit("file", buffer)', ["send file"], "file", [Buffer.from([1, 2, 3])]);
const IMAGE = Buffer.alloc(5000, 7);
row('socket.compress(false).emit("image", buffer)', async (t) => {
  const [socket] = await inTable(t, "one");
  assert.deepEqual(await request(socket, ["send image", IMAGE], "image"), [IMAGE]);
  const packet = withBytes("/one-0", "send image", 5000);
  assert.deepEqual(await encodings("tables", "/one-0", packet, 5000), [null]);
  const usual = withBytes("/table-0", "play", 5000);
  assert.deepEqual(await encodings("tables", "/table-0", usual, 5000), ["gzip"]);
});

sends('socket.send("hi"), which emits message', ["send message"], "message", ["hi"]);

row('socket.volatile.emit("cursor", x, y)', async (t) => {
  const [socket] = await inTable(t, "one");
  const cursors = [];
  socket.on("cursor", (...args) => cursors.push(args));
  // It may be dropped while the connection is busy.
  await eventually(async () => {
    socket.emit("send cursor", 1, 2);
    await ack(socket, "rooms");
    return cursors.length > 0;
  });
  assert.deepEqual(cursors[0], [1, 2]);
});

row('const answer = await socket.emitWithAck("question")', async (t) => {
  const [socket] = await inTable(t, "one");
  socket.on("question", (answer) => answer("forty-two"));
  assert.deepEqual(await request(socket, ["ask"], "answered"), ["forty-two"]);
});

row('socket.timeout(500).emit("question", (error, answer) => …)', async (t) => {
  const [socket] = await inTable(t, "one");
  assert.deepEqual(await request(socket, ["ask in time"], "answered late"), [true]);
});

row("socket.onAnyOutgoing((name) => console.log(name)), for this client alone", async (t) => {
  const [socket, other] = await inTable(t, "one", 2);
  await request(socket, ["watch"], "watched");
  await said(/^watched$/);
  await request(other, ["send list"], "list");
  await request(socket, ["send message"], "message");
  assert.equal(await said(/^(list|message)$/), "message");
});

/** A row that says something to others: who has heard it, of the speaker and four more. */
function tells(name, event, expected) {
  row(name, async (t) => {
    const [speaker, ...others] = await inTable(t, "one", 5);
    const rooms = [["room"], ["b", "muted"], ["a"], ["b"]];
    await Promise.all(others.map((socket, index) => ack(socket, "be in", rooms[index])));
    await ack(speaker, "be in", ["room", "a", "b"]);
    const heard = [speaker, ...others].map((socket) => collect(socket, "said"));
    speaker.emit(event, "hello");
    for (const socket of [speaker, ...others]) {
      await ack(socket, "rooms");
    }
    assert.deepEqual(heard.map(({ length }) => length), expected);
  });
}

tells('socket.broadcast.emit("said", text)', "to others", [0, 1, 1, 1, 1]);
tells('socket.local.emit("said", text)', "to others here", [0, 1, 1, 1, 1]);
tells('socket.to("room").emit("said", text)', "to a room", [0, 1, 0, 0, 0]);
const ROOMS = 'socket.to("a").to("b").except("muted").emit("said", text)';
tells(ROOMS, "to rooms", [0, 0, 0, 1, 1]);
tells('socket.except("muted").emit("said", text)', "to all but", [0, 1, 0, 1, 1]);

const JOIN = ['socket.join(["a", "b"])', 'socket.leave("room")', "socket.leaveAll()"];
row([...JOIN, "socket.rooms"], async (t) => {
  const [socket] = await inTable(t, "one");
  // In Node the room of its own id is among them.
  const rooms = async () => (await ack(socket, "rooms")).filter((room) => room !== socket.id).sort();
  await ack(socket, "join");
  assert.deepEqual(await rooms(), ["a", "b"]);
  await ack(socket, "leave");
  assert.deepEqual(await rooms(), ["a", "b"]);
  await ack(socket, "leave all");
  assert.deepEqual(await rooms(), []);
});

row(['socket.data.name = "Ada"', "socket.data.name"], async (t) => {
  const [socket] = await inTable(t, "one");
  assert.equal(await ack(socket, "name"), null);
  await ack(socket, "set name");
  assert.equal(await ack(socket, "name"), "Ada");
});

row('socket.data = "Ada", to be seen by other servers', async (t) => {
  const [socket] = await inTable(t, "one");
  assert.equal(await ack(socket, "share"), "Ada");
});

row(["socket.id", "socket.nsp.name", "socket.connected", "socket.recovered"], async (t) => {
  const [socket] = await inTable(t, "one");
  assert.equal(await ack(socket, "id"), socket.id);
  assert.equal(await ack(socket, "namespace"), socket.nsp);
  assert.equal(await ack(socket, "connected"), true);
  assert.equal(await ack(socket, "recovered"), false);
});

row("socket.conn.transport.name", async (t) => {
  for (const transport of ["polling", "websocket"]) {
    const socket = await join(t, "tables", "/one-0", { transports: [transport] });
    assert.equal(await ack(socket, "transport"), transport);
  }
});

row("socket.handshake.auth", async (t) => {
  const socket = await join(t, "tables", "/one-0", { auth: { name: "Ada" } });
  assert.equal(await ack(socket, "login"), "Ada");
});

const HANDSHAKE = ["query.room", "headers.cookie", "address", "url", "headers", "secure", "xdomain"];
row([...HANDSHAKE.map((name) => `socket.handshake.${name}`), "socket.conn.protocol"], async (t) => {
  const extraHeaders = { cookie: "id=1", "x-test": "yes" };
  const query = { room: "four & five" };
  const socket = await join(t, "tables", "/one-0", { extraHeaders, query });
  const { url, headers, ...rest } = await ack(socket, "handshake");
  const expected = { room: "four & five", cookie: "id=1", address: "127.0.0.1" };
  assert.deepEqual(rest, { ...expected, secure: false, xdomain: false, protocol: 4 });
  assert.equal(url, "/socket.io/?room=four%20%26%20five&EIO=4&transport=websocket");
  assert.equal(headers["x-test"], "yes");
  const origin = urls.tables;
  const page = await join(t, "tables", "/one-0", { extraHeaders: { origin } });
  const { xdomain, secure } = await ack(page, "handshake");
  assert.deepEqual({ xdomain, secure }, { xdomain: true, secure: false });
});

row("socket.handshake.issued, .time", async (t) => {
  const before = Date.now();
  const [socket] = await inTable(t, "one");
  const issued = await ack(socket, "issued");
  // Not all clocks of a machine tick alike.
  assert.ok(issued >= before - 50 && issued <= Date.now() + 50, `${issued}`);
});

/** A row that ends a connection: what its client and another namespace of it hear. */
function ends(name, event, expected, other) {
  row(name, async (t) => {
    const [socket] = await inTable(t, "one");
    const beside = await neighbour(t, socket);
    const [reason, end] = [next(socket, "disconnect"), other && next(beside, "disconnect")];
    socket.emit(event);
    assert.equal((await reason)[0], expected);
    if (other) {
      assert.equal((await end)[0], other);
    } else {
      assert.equal(await ack(beside, "connected"), true);
    }
  });
}

const [BY_SERVER, CLOSED] = ["io server disconnect", "transport close"];
ends("socket.disconnect()", "disconnect me", BY_SERVER);
ends("socket.disconnect(true)", "disconnect all of me", BY_SERVER, BY_SERVER);
ends("socket.conn.close()", "close", CLOSED, CLOSED);

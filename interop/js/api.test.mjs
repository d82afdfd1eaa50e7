// Methods of the server beyond the contract: sockets that were found, catch-all listeners, room
// changes, flags, dynamic namespaces.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TRANSPORTS, ack, collect, connect, connectMany, flushed, next } from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

let server;
before(async () => {
  server = await start({ ...PATIENT, deflate: "on" });
});
after(() => server.kill());

let counter = 0;
const unique = (name) => `${name} ${(counter += 1)}`;

for (const transport of TRANSPORTS) {
  describe(`methods of the server, ${transport.name}`, () => {
    foundSockets(transport);
    listeners(transport);
    places(transport);
  });
}

function foundSockets(transport) {
  test("a socket that was found shows its rooms, data and handshake", async (t) => {
    const [asking, found] = await connectMany(t, server, 2, { transport });
    const [a, b] = [unique("a"), unique("b")];
    await ack(found, "join", b);
    await ack(found, "join", a);
    await ack(found, "set-data", { name: "Ada" });
    assert.deepEqual(await ack(asking, "remote", found.id), {
      rooms: [a, b],
      data: { name: "Ada" },
      EIO: "4",
    });
  });

  test("it is moved to another room, told and sent away", async (t) => {
    const [asking, found] = await connectMany(t, server, 2, { transport });
    const [a, b] = [unique("a"), unique("b")];
    await ack(found, "join", a);
    const moved = next(found, "moved");
    assert.equal(await ack(asking, "remote-move", found.id, a, b), true);
    await moved;
    assert.deepEqual((await ack(found, "info")).rooms, [b]);
    const gone = next(found, "disconnect");
    asking.emit("remote-kick", found.id);
    assert.equal((await gone)[0], "io server disconnect");
  });

  test("it is asked, and need not answer", async (t) => {
    const [asking, found] = await connectMany(t, server, 2, { transport });
    assert.equal(await ack(asking, "remote-ask", found.id, 50), null);
    found.on("question", (cb) => cb({ answer: 42 }));
    assert.deepEqual(await ack(asking, "remote-ask", found.id, 5_000), { answer: 42 });
  });
}

function listeners(transport) {
  test("a catch-all listener sees what is sent, broadcasts included, acks not", async (t) => {
    const [socket, other] = await connectMany(t, server, 2, { transport });
    const room = unique("watched");
    await ack(socket, "join", room);
    await ack(socket, "watch");
    socket.emit("echo", 1, Buffer.from("ab"));
    await ack(socket, "echo-ack", 1);
    other.emit("to", [room], "news", 1, 2, 3);
    await flushed(other);
    const expected = [
      ["echo", 2],
      ["news", 3],
    ];
    assert.deepEqual(await ack(socket, "watched"), expected);
    socket.emit("echo", 1);
    await flushed(socket);
  });

  test("an event that a middleware refuses reaches no listener", async (t) => {
    const socket = await connect(t, server, { transport });
    const errors = collect(socket, "mw-error");
    socket.emit("forbidden", 1);
    await flushed(socket);
    assert.deepEqual(errors, ["event forbidden"]);
  });
}

function places(transport) {
  test("rooms are told of in the order of their changes", async (t) => {
    const [one, two] = await connectMany(t, server, 2, { transport });
    const room = unique("log");
    await ack(one, "join", room);
    await ack(one, "join", room);
    await ack(two, "join", room);
    await ack(one, "leave", room);
    await ack(one, "leave", room);
    await ack(two, "leave-all");
    const log = await ack(one, "room-log", room);
    assert.deepEqual(log, ["create", "join", "join", "leave", "leave", "delete"]);
  });

  test("flags change nothing in what arrives", async (t) => {
    const socket = await connect(t, server, { transport });
    const large = "x".repeat(5_000);
    for (const name of ["plain", "local", "plain-all"]) {
      const heard = next(socket, name);
      socket.emit(name, large, Buffer.from([1]));
      assert.deepEqual(await heard, [large, Buffer.from([1])], name);
    }
  });

  test("what was read from a namespace's name is there", async (t) => {
    const nsp = `/dynamic-${Date.now()}${(counter += 1)}`;
    const socket = await connect(t, server, { transport, nsp });
    assert.equal(await ack(socket, "digits"), nsp.slice(9));
  });
}

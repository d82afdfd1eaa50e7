// Rooms: who hears what, once each; asking rooms; moving and removing their members.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  TRANSPORTS,
  ack,
  ackAll,
  collect,
  connect,
  eventually,
  flushed,
  next,
} from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

let counter = 0;

/** Room names of one test: tests share the server. */
function rooms(...names) {
  counter += 1;
  return names.map((name) => `${name} ${counter}`);
}

/**
 * Opens so many sockets; the i-th joins the i-th list of rooms. Gives back the sockets and what
 * each hears of "news"; `settle()` waits until all that was sent before has arrived.
 */
async function people(t, transport, memberships, nsp = "/") {
  const sockets = await Promise.all(memberships.map(() => connect(t, server, { nsp, transport })));
  await Promise.all(
    sockets.flatMap((socket, i) => {
      return memberships[i].map((room) => ack(socket, "join", room));
    }),
  );
  const heard = sockets.map((socket) => collect(socket, "news"));
  const settle = async () => {
    // The sender first: its events are then handled, and what they caused is on its way.
    await flushed(sockets[0]);
    await flushed(...sockets);
  };
  return { sockets, heard, settle };
}

for (const transport of TRANSPORTS) {
  describe(`rooms, ${transport.name}`, { concurrency: 4 }, () => {
    membership(transport);
    audiences(transport);
    everyone(transport);
    questions(transport);
    remote(transport);
  });
}

describe("rooms across transports", () => {
  test("one broadcast reaches every way of travelling, text and binary", async (t) => {
    const [room] = rooms("mixed");
    const sockets = await Promise.all(
      TRANSPORTS.map((transport) => connect(t, server, { transport })),
    );
    await Promise.all(sockets.map((socket) => ack(socket, "join", room)));
    const heard = sockets.map((socket) => collect(socket, "news"));
    const sent = ["text", Buffer.from([0, 255]), { мир: 1 }, [Buffer.alloc(3), "tail"]];
    sent.forEach((item) => sockets[0].emit("in", [room], "news", item));
    await flushed(sockets[0]);
    await flushed(...sockets);
    assert.deepEqual(
      heard,
      sockets.map(() => sent),
    );
  });
});

function membership(transport) {
  test("join and leave are seen in info, sorted, doubles count once", async (t) => {
    const [a, b] = rooms("a", "b");
    const {
      sockets: [socket],
    } = await people(t, transport, [[b, a, a]]);
    assert.deepEqual((await ack(socket, "info")).rooms, [a, b]);
    assert.equal(await ack(socket, "leave", a), true);
    assert.equal(await ack(socket, "leave", "never joined"), true);
    assert.deepEqual((await ack(socket, "info")).rooms, [b]);
  });

  test("who left a room no longer hears it", async (t) => {
    const [room] = rooms("left");
    const { sockets, heard, settle } = await people(t, transport, [[], [room], [room]]);
    await ack(sockets[1], "leave", room);
    sockets[0].emit("to", [room], "news", 1);
    await settle();
    assert.deepEqual(heard, [[], [], [1]]);
  });

  test("who disconnected is in no room", async (t) => {
    const [room] = rooms("gone");
    const { sockets } = await people(t, transport, [[], [room], [room]]);
    assert.equal(await ack(sockets[0], "room-size", room), 2);
    sockets[1].disconnect();
    await eventually(async () => (await ack(sockets[0], "room-size", room)) === 1);
  });

  test("a room of one namespace is not the room of another", async (t) => {
    const [room] = rooms("same name");
    const {
      sockets: [main],
    } = await people(t, transport, [[room]]);
    const { heard, settle } = await people(t, transport, [[room]], "/chat");
    assert.equal(await ack(main, "room-size", room), 1);
    main.emit("in", [room], "news", 1);
    await flushed(main);
    await settle();
    assert.deepEqual(heard, [[]]);
  });

  test("a room may have any name", async (t) => {
    const names = ["", " ", "комната", "🦀", "__proto__", "a,b", '"q"', "x".repeat(500)];
    const {
      sockets: [socket],
      heard,
      settle,
    } = await people(t, transport, [names]);
    names.forEach((name, i) => socket.emit("in", [name], "news", i));
    await settle();
    assert.deepEqual(heard, [names.map((_, i) => i)]);
    // Free for the next test: these names are not its own.
    await Promise.all(names.map((name) => ack(socket, "leave", name)));
  });
}

function audiences(transport) {
  test("`to` leaves the sender out, `in` does not", async (t) => {
    const [room] = rooms("room");
    const { sockets, heard, settle } = await people(t, transport, [[room], [room], []]);
    sockets[0].emit("to", [room], "news", "to");
    sockets[0].emit("in", [room], "news", "in");
    await settle();
    assert.deepEqual(heard, [["in"], ["to", "in"], []]);
  });

  test("who is in two of the rooms hears it once", async (t) => {
    const [a, b] = rooms("a", "b");
    const { sockets, heard, settle } = await people(t, transport, [[], [a], [b], [a, b], []]);
    sockets[0].emit("to", [a, b], "news", 1);
    await settle();
    assert.deepEqual(heard, [[], [1], [1], [1], []]);
  });

  test("`except` takes the members of a room out", async (t) => {
    const [a, b, not] = rooms("a", "b", "not");
    const { sockets, heard, settle } = await people(t, transport, [
      [a],
      [a, not],
      [b],
      [b, not],
      [not],
    ]);
    sockets[0].emit("except", [a, b], [not], "news", 1);
    await settle();
    assert.deepEqual(heard, [[1], [], [1], [], []]);
  });

  test("`except` no room at all takes nobody out", async (t) => {
    const [a] = rooms("a");
    const { sockets, heard, settle } = await people(t, transport, [[a], [a]]);
    sockets[0].emit("except", [a], [], "news", 1);
    await settle();
    assert.deepEqual(heard, [[1], [1]]);
  });

  test("each socket is in the room of its own id", async (t) => {
    const { sockets, heard, settle } = await people(t, transport, [[], [], []]);
    sockets[0].emit("to", [sockets[1].id], "news", "private");
    await settle();
    assert.deepEqual(heard, [[], ["private"], []]);
  });

  test("an empty room is no error", async (t) => {
    const {
      sockets: [socket],
      heard,
      settle,
    } = await people(t, transport, [[]]);
    socket.emit("to", rooms("empty"), "news", 1);
    await settle();
    assert.deepEqual(heard, [[]]);
    assert.equal(await ack(socket, "room-size", ...rooms("empty")), 0);
  });
}

function everyone(transport) {
  test("`broadcast` is for all others, `all` for all, of this namespace", async (t) => {
    const name = `/dynamic-${Date.now()}${(counter += 1)}`;
    const { sockets, heard, settle } = await people(t, transport, [[], [], []], name);
    const outside = await people(t, transport, [[]]);
    sockets[0].emit("broadcast", "news", "others");
    sockets[0].emit("all", "news", "all");
    await settle();
    await outside.settle();
    assert.deepEqual(heard, [["all"], ["others", "all"], ["others", "all"]]);
    assert.deepEqual(outside.heard, [[]]);
  });

  test("broadcasts of one sender arrive in order at everyone", async (t) => {
    const [room] = rooms("ordered");
    const { sockets, heard, settle } = await people(t, transport, [[], [room], [room]]);
    const numbers = Array.from({ length: 300 }, (_, i) => i);
    numbers.forEach((n) => sockets[0].emit("to", [room], "news", n));
    await settle();
    assert.deepEqual(heard, [[], numbers, numbers]);
  });
}

function questions(transport) {
  test("a room is asked and all answers are collected", async (t) => {
    const [room] = rooms("asked");
    const { sockets } = await people(t, transport, [[], [room], [room], [room]]);
    sockets.forEach((socket, i) => socket.on("how many", (add, cb) => cb(i + add)));
    const [late, answers] = await ackAll(sockets[0], "ask-room", room, 5_000, "how many", 10);
    assert.equal(late, false);
    assert.deepEqual(answers.sort(), [11, 12, 13]);
  });

  test("answers may be binary", async (t) => {
    const [room] = rooms("binary answers");
    const { sockets } = await people(t, transport, [[room], [room]]);
    sockets.forEach((socket, i) => socket.on("bytes", (cb) => cb({ n: Buffer.from([i]) })));
    const [late, answers] = await ackAll(sockets[0], "ask-room", room, 5_000, "bytes");
    assert.equal(late, false);
    assert.deepEqual(answers.map(({ n }) => n[0]).sort(), [0, 1]);
  });

  test("who does not answer in time is left out, and it is told so", async (t) => {
    const [room] = rooms("partly deaf");
    const { sockets } = await people(t, transport, [[], [room], [room]]);
    sockets[1].on("how many", (cb) => cb("one"));
    assert.deepEqual(await ackAll(sockets[0], "ask-room", room, 300, "how many"), [true, ["one"]]);
  });

  test("nobody to ask: no answers, not late", async (t) => {
    const {
      sockets: [socket],
    } = await people(t, transport, [[]]);
    const [late, answers] = await ackAll(socket, "ask-room", ...rooms("nobody"), 300, "how many");
    assert.deepEqual([late, answers], [false, []]);
  });
}

function remote(transport) {
  test("the members of a room are counted and made to join another", async (t) => {
    const [a, b] = rooms("a", "b");
    const { sockets, heard, settle } = await people(t, transport, [[], [a], [a], []]);
    assert.equal(await ack(sockets[0], "room-size", a), 2);
    assert.equal(await ack(sockets[0], "room-join", a, b), true);
    assert.equal(await ack(sockets[0], "room-size", b), 2);
    sockets[0].emit("to", [b], "news", 1);
    await settle();
    assert.deepEqual(heard, [[], [1], [1], []]);
  });

  test("the members of a room are disconnected, their other namespaces stay", async (t) => {
    const [room] = rooms("kicked");
    const { sockets } = await people(t, transport, [[], [room]]);
    const chat = sockets[1].io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    await greeting;
    const gone = next(sockets[1], "disconnect");
    sockets[0].emit("room-kick", room);
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(await ack(chat, "echo-ack", "here"), "here");
    assert.equal(await ack(sockets[0], "echo-ack", "here"), "here");
    assert.equal(await ack(sockets[0], "room-size", room), 0);
  });
}

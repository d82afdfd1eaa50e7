// The bounds of web/gallery/EVENTS.md, kept by the server whatever a client sends. The pages
// themselves send nothing of this: here npm's clients take their place.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { SKIP, startGallery } from "./browser.mjs";

const WAIT_MS = 5_000;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const refused = (reason) => ({ ok: false, reason });
const TOO_FAST = refused("too fast: wait a moment");

/** A gallery of its own for each group, so that counts begin at nothing. */
function fresh() {
  const place = {};
  before(async () => {
    if (!SKIP) Object.assign(place, await startGallery());
  });
  after(() => place.stop?.());
  return place;
}

/** A connected socket; `seen` holds all events since the beginning, as `[name, …arguments]`. */
async function connect(t, place, namespace) {
  const socket = io(place.base + namespace, { forceNew: true, transports: ["websocket"] });
  t.after(() => socket.disconnect());
  socket.seen = [];
  socket.onAny((...event) => socket.seen.push(event));
  socket.ask = (...event) => socket.timeout(WAIT_MS).emitWithAck(...event);
  await new Promise((done, fail) => socket.once("connect", done).once("connect_error", fail));
  return socket;
}

/** The first event of that name that fits, once it is there. */
async function heard(socket, name, fits = () => true) {
  for (const until = Date.now() + WAIT_MS; Date.now() < until; await pause(5)) {
    const found = socket.seen.find(([event, ...args]) => event === name && fits(...args));
    if (found) return found.slice(1);
  }
  return assert.fail(`no fitting ${name} among ${JSON.stringify(socket.seen)}`);
}

describe("chat", { skip: SKIP }, () => {
  const place = fresh();
  const guest = (t) => connect(t, place, "/chat");

  test("names, rooms and texts have bounds; inside them they are trimmed", async (t) => {
    const ada = await guest(t);
    const name = refused("a name has 1 to 32 characters");
    const room = refused("a room has 1 to 32 small letters, digits or hyphens");
    for (const bad of ["", " \n ", "x".repeat(33), "a\u0007b", "a\u0085b"]) {
      assert.deepEqual(await ada.ask("join", { name: bad, room: "a" }), name);
    }
    for (const bad of ["", "A", "a b", "ä", "x".repeat(33), "a/b"]) {
      assert.deepEqual(await ada.ask("join", { name: "Ada", room: bad }), room);
    }
    assert.deepEqual(await ada.ask("say", "hi"), refused("enter a room first"));
    const entered = await ada.ask("join", { name: ` ${"👋".repeat(32)} `, room: " bounds " });
    assert.equal(entered.name, "👋".repeat(32));
    assert.equal(entered.room, "bounds");
    assert.deepEqual(entered.people, [{ id: ada.id, name: entered.name }]);
    assert.equal(entered.history.at(-1).kind, "joined");
    const text = refused("a message has 1 to 2000 characters");
    assert.deepEqual(await ada.ask("say", " \n "), text);
    assert.deepEqual(await ada.ask("say", "x".repeat(2001)), text);
    assert.deepEqual(await ada.ask("say", `\n${"é\n".repeat(999)}é!`), { ok: true });
    const [message] = await heard(ada, "message");
    assert.equal([...message.text].length, 2000);
    assert.equal(message.from, ada.id);
    assert.ok(Math.abs(message.at - Date.now()) < WAIT_MS);
  });

  test("who comes and goes is told to the others, in order", async (t) => {
    const ada = await guest(t);
    await ada.ask("join", { name: "Ada", room: "doors" });
    const grace = await guest(t);
    await grace.ask("join", { name: "Grace", room: "doors" });
    await heard(ada, "people", (people) => people.length === 2 && people[1].name === "Grace");
    assert.deepEqual(await grace.ask("join", { name: "Hopper", room: "doors" }), {
      ok: true,
      name: "Hopper",
      room: "doors",
      people: [{ id: ada.id, name: "Ada" }, { id: grace.id, name: "Hopper" }],
      history: (await grace.ask("join", { name: "Hopper", room: "doors" })).history,
    });
    grace.emit("typing", true);
    const [typist] = await heard(ada, "typing");
    assert.deepEqual(typist, { id: grace.id, name: "Hopper", on: true });
    const { id } = grace;
    grace.disconnect();
    await heard(ada, "message", (message) => message.kind === "left" && message.from === id);
    await heard(ada, "people", (people) => people.length === 1);
    await heard(ada, "rooms", (rooms) => rooms.some((r) => r.room === "doors" && r.people === 1));
    const kinds = ada.seen.filter(([name]) => name === "message").map(([, { kind }]) => kind);
    assert.deepEqual(kinds, ["joined", "left"]);
  });

  test("60 events in ten seconds, and the last 200 messages", async (t) => {
    const speakers = await Promise.all(Array.from({ length: 4 }, () => guest(t)));
    for (const [index, speaker] of speakers.entries()) {
      await speaker.ask("join", { name: `S${index}`, room: "full" });
      for (let number = 1; number < 60; number += 1) {
        assert.deepEqual(await speaker.ask("say", `${index}.${number}`), { ok: true });
      }
      assert.deepEqual(await speaker.ask("say", "one more"), TOO_FAST);
      assert.deepEqual(await speaker.ask("join", { name: "x", room: "other" }), TOO_FAST);
    }
    const late = await guest(t);
    const { history } = await late.ask("join", { name: "Late", room: "full" });
    assert.equal(history.length, 200);
    assert.equal(history.at(-1).name, "Late");
    assert.equal(history.at(-2).text, "3.59");
  });

  test("what is no event of the chat is not answered, and does no harm", async (t) => {
    const ada = await guest(t);
    const silent = (...event) => assert.rejects(ada.timeout(200).emitWithAck(...event));
    await silent("join", "Ada");
    await silent("join", { name: 1, room: "a" });
    await silent("say", Buffer.from("x"));
    await silent("unknown", 1);
    assert.equal((await ada.ask("join", { name: "Ada", room: "calm" })).ok, true);
  });

  test("100 people in a room", async (t) => {
    const crowd = await Promise.all(Array.from({ length: 101 }, () => guest(t)));
    const last = crowd.pop();
    const enter = (one) => one.ask("join", { name: "x", room: "hall" });
    const answers = await Promise.all(crowd.map(enter));
    assert.ok(answers.every(({ ok }) => ok));
    const full = refused("the room is full");
    assert.deepEqual(await enter(last), full);
    // They were 99 once before, on the way to 100.
    last.seen.length = 0;
    crowd[0].disconnect();
    await heard(last, "rooms", (rooms) => rooms.some((r) => r.room === "hall" && r.people === 99));
    assert.equal((await enter(last)).ok, true);
  });
});

describe("rooms of the chat", { skip: SKIP }, () => {
  const place = fresh();

  test("20; the longest empty one gives way", async (t) => {
    const guests = await Promise.all(Array.from({ length: 20 }, () => connect(t, place, "/chat")));
    const join = (guest, room) => guest.ask("join", { name: "x", room });
    for (const [index, guest] of guests.entries()) await join(guest, `r${index}`);
    const extra = await connect(t, place, "/chat");
    assert.deepEqual(await join(extra, "new"), refused("there are too many rooms"));
    for (const index of [7, 3]) {
      guests[index].disconnect();
      const empty = (r) => r.room === `r${index}` && r.people === 0;
      await heard(extra, "rooms", (rooms) => rooms.some(empty));
    }
    assert.equal((await join(extra, "new")).ok, true);
    const [rooms] = extra.seen.findLast(([name]) => name === "rooms").slice(1);
    const names = rooms.map(({ room }) => room);
    assert.equal(names.length, 20);
    assert.ok(!names.includes("r7") && names.includes("r3") && names.includes("new"), `${names}`);
    assert.deepEqual(names, names.toSorted());
  });
});

describe("whiteboard", { skip: SKIP }, () => {
  const place = fresh();
  const points = (count, value = 1) => Buffer.alloc(count * 4, value);
  const painter = async (t) => {
    const socket = await connect(t, place, "/whiteboard");
    [socket.board] = await heard(socket, "board");
    return socket;
  };

  test("colours, widths, points and numbers have bounds", async (t) => {
    const [ada, grace] = [await painter(t), await painter(t)];
    const begin = (...args) => ada.ask("begin", ...args);
    const colour = refused("this colour is not in the box");
    assert.deepEqual(await begin(0, "gold", 6, points(1)), colour);
    for (const width of [0, -1, 41]) {
      assert.deepEqual(await begin(0, "ink", width, points(1)), refused("a pen is 1 to 40 wide"));
    }
    const size = refused("an event holds 1 to 1000 points");
    for (const bad of [points(0), points(1001), Buffer.alloc(5)]) {
      assert.deepEqual(await begin(0, "ink", 6, bad), size);
    }
    assert.deepEqual(await begin(0, "ink", 40, points(1000)), { ok: true });
    assert.deepEqual(await begin(0, "ink", 6, points(1)), refused("this line exists already"));
    for (let part = 1; part < 5; part += 1) ada.emit("points", 0, points(1000, part));
    ada.emit("points", 0, points(1));
    const [refusal] = await heard(ada, "refused");
    assert.deepEqual(refusal, { event: "points", reason: "a line has at most 5000 points" });
    ada.emit("points", 7, points(1));

    const id = `${ada.id}/0`;
    const [stroke] = await heard(grace, "stroke");
    assert.deepEqual(stroke, { id, colour: "ink", width: 40, points: points(1000) });
    await heard(grace, "points", (_, at) => at === 4000);
    const parts = grace.seen.filter(([name]) => name === "points").map(([, , at]) => at);
    assert.deepEqual(parts, [1000, 2000, 3000, 4000]);
    const late = await painter(t);
    const [line] = late.board.strokes;
    assert.deepEqual(line, { id, colour: "ink", width: 40, count: 5000 });
    assert.equal(late.board.points.length, 20_000);
    assert.equal(late.board.points[8_000], 2);
  });

  test("undo takes one's own newest line, clear takes all", async (t) => {
    const [ada, grace] = [await painter(t), await painter(t)];
    const nothing = refused("there is no line of yours to take back");
    assert.deepEqual(await ada.ask("undo"), nothing);
    await ada.ask("begin", 0, "red", 1, points(1));
    await ada.ask("begin", 1, "red", 1, points(1));
    await grace.ask("begin", 0, "blue", 1, points(1));
    assert.deepEqual(await ada.ask("undo"), { ok: true });
    await heard(grace, "erase", (id) => id === `${ada.id}/1`);
    assert.deepEqual(await ada.ask("undo"), { ok: true });
    assert.deepEqual(await ada.ask("undo"), nothing);
    assert.deepEqual(await ada.ask("clear"), { ok: true });
    await heard(grace, "cleared");
    assert.deepEqual((await painter(t)).board.strokes, []);
  });

  test("600 events in ten seconds; 1000 strokes, then the oldest go", async (t) => {
    const [ada, grace] = [await painter(t), await painter(t)];
    const draw = (socket, count) => {
      const begin = (_, number) => socket.ask("begin", number, "ink", 1, points(1));
      return Promise.all(Array.from({ length: count }, begin));
    };
    assert.ok((await draw(ada, 600)).every(({ ok }) => ok));
    assert.deepEqual(await ada.ask("undo"), TOO_FAST);
    assert.ok((await draw(grace, 402)).every(({ ok }) => ok));
    await heard(ada, "erase", (id) => id === `${ada.id}/1`);
    const { strokes } = (await painter(t)).board;
    assert.equal(strokes.length, 1000);
    assert.equal(strokes[0].id, `${ada.id}/2`);
  });

  test("100000 points, then the oldest go", async (t) => {
    const ada = await painter(t);
    await ada.ask("clear");
    for (let number = 0; number < 101; number += 1) {
      assert.equal((await ada.ask("begin", number, "ink", 1, points(1000))).ok, true);
    }
    await heard(ada, "erase", (id) => id === `${ada.id}/0`);
    assert.equal((await painter(t)).board.strokes.length, 100);
  });
});

describe("transports", { skip: SKIP }, () => {
  const place = fresh();

  test("echo, note and stream within their bounds", async (t) => {
    const socket = await connect(t, place, "/transports");
    const [{ head }] = await heard(socket, "hello");
    assert.ok(head > 100 && head < 2000, `a head of ${head} bytes`);
    assert.equal(await socket.ask("echo", "é".repeat(5000)), "é".repeat(4096));
    for (let n = 0; n < 3; n += 1) socket.emit("note", "x");
    assert.equal(await socket.ask("noted"), 3);
    assert.equal(await socket.ask("noted"), 0);
    assert.equal(await socket.ask("stream", 501, 5000), 500);
    const ticks = socket.seen.filter(([name]) => name === "tick");
    assert.deepEqual(ticks.map(([, number]) => number), Array.from({ length: 500 }, (_, n) => n));
    assert.ok(ticks.every(([, , text]) => text === "x".repeat(4096)));
    assert.equal(await socket.ask("stream", 0, 0), 0);
  });
});

describe("raw WebSockets", { skip: SKIP }, () => {
  const place = fresh();
  const open = async (t, path) => {
    const socket = new WebSocket(place.base.replace("http", "ws") + path);
    t.after(() => socket.terminate());
    await new Promise((done, fail) => socket.once("open", done).once("error", fail));
    return socket;
  };
  const answer = (socket, sent) => {
    const received = new Promise((done) => {
      socket.once("message", (data, isBinary) => done(isBinary ? data : data.toString()));
      socket.once("close", (code, reason) => done([code, reason.toString()]));
    });
    socket.send(sent);
    return received;
  };

  test("65536 bytes and no more", async (t) => {
    for (const path of ["/ws/echo", "/ws/events"]) {
      const socket = await open(t, path);
      assert.deepEqual(await answer(socket, Buffer.alloc(65_536, 1)), Buffer.alloc(65_536, 1));
      const [code] = await answer(socket, Buffer.alloc(65_537));
      assert.equal(code, 1009);
    }
  });

  test("commands of the events page", async (t) => {
    const socket = await open(t, "/ws/events");
    const close =
      "refused: a server closes with 1000 or 3000 to 4999 and a reason of at most 123 bytes";
    const long = `close:1000:${"é".repeat(62)}`;
    for (const bad of ["close:1001:", "close:2999:x", "close:1000", "close:x:y", long]) {
      assert.equal(await answer(socket, bad), close, bad);
    }
    for (const bad of ["binary:65537", "binary:x", "binary:-1"]) {
      assert.equal(await answer(socket, bad), "refused: 0 to 65536 bytes", bad);
    }
    for (const text of ["dropped", "close", "time:1", ""]) {
      assert.equal(await answer(socket, text), text);
    }
    const bytes = await answer(socket, "binary:65536");
    assert.deepEqual(bytes, Buffer.from(Array.from({ length: 65_536 }, (_, i) => i % 256)));
    assert.deepEqual(await answer(socket, Buffer.from("drop")), Buffer.from("drop"));
    assert.deepEqual(await answer(socket, "close:4321:a: b"), [4321, "a: b"]);
    assert.deepEqual(await answer(await open(t, "/ws/events"), "drop"), [1006, ""]);
  });
});

// Events both ways: every JSON shape, any text, order, size, volatile, refused ones.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  TRANSPORTS,
  ack,
  collect,
  connect,
  connectMany,
  flushed,
  next,
  request,
} from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

/** Values that must come back as they went. */
const SHAPES = {
  "null, booleans": [null, true, false],
  integers: [0, 1, -1, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  fractions: [0.1, -2.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 123456.789012345],
  strings: ["", " ", "text", '"quoted"', "back\\slash", "line\nbreak\ttab\r", "</script>"],
  "control characters": ["\u0000", "\u001e", "a\u001eb\u001e", "\u007f", "\u2028\u2029"],
  Unicode: ["é", "e\u0301", "Привет", "日本語", "🦀", "👩‍👩‍👧", "\u{10ffff}", "مرحبا", "\ufeffbom"],
  "packet look-alikes": ["2probe", '42["x"]', "b4aGk=", "451-[]", "1", "{}", "[1,2]"],
  arrays: [[], [[]], [1, "two", [3, [4]]], [null, null]],
  objects: [{}, { a: { b: { c: [] } } }, { "": 1, " ": 2, ключ: 3, 'a"b': 4, 0: 5 }],
  "names that objects inherit": [JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}')],
  "a placeholder that is none": [{ _placeholder: true, num: 0 }, { _placeholder: true }],
  "a date as its text": [new Date(0).toJSON()],
  "a hundred levels": [JSON.parse("[".repeat(100) + "]".repeat(100))],
  "no argument": [],
  "many arguments": Array.from({ length: 100 }, (_, i) => i),
};

for (const transport of TRANSPORTS) {
  describe(`events, ${transport.name}`, () => {
    shapes(transport);
    names(transport);
    orders(transport);
    sizes(transport);
    volatile(transport);
    refusals(transport);
  });
}

function shapes(transport) {
  for (const [name, values] of Object.entries(SHAPES)) {
    test(`${name} come back as they went`, async (t) => {
      const socket = await connect(t, server, { transport });
      assert.deepEqual(await request(socket, ["echo", ...values]), values);
    });
  }

  test("what JSON cannot hold arrives as null", async (t) => {
    const socket = await connect(t, server, { transport });
    const answer = await request(socket, ["echo", undefined, NaN, Infinity, [undefined]]);
    assert.deepEqual(answer, [null, null, null, [null]]);
  });

  test("half a surrogate pair does no harm", async (t) => {
    const socket = await connect(t, server, { transport });
    const [answer] = await request(socket, ["echo", "a\ud800b"]);
    // A Rust string cannot hold one; what is forwarded undecoded may keep it.
    assert.ok(pick({ reference: ["a\ud800b"], rialto: ["a\ud800b", "a\ufffdb"] }).includes(answer));
  });
}

function names(transport) {
  const legal = [
    "",
    " ",
    "with space",
    '"quoted"',
    "a,b",
    "[1]",
    "message",
    "error",
    "open",
    "ping",
    "newMessage",
    "1",
    "новое",
    "🦀",
    "__proto__",
    "constructor",
    "x".repeat(1_000),
  ];

  test("an event may have any name that is not reserved", async (t) => {
    const socket = await connect(t, server, { transport });
    for (const name of legal) {
      assert.deepEqual(await request(socket, ["in", [socket.id], name, 1], name), [1], name);
    }
  });

  test("an event that nobody listens to is ignored", async (t) => {
    const socket = await connect(t, server, { transport });
    socket.emit("nobody listens", { to: "this" });
    assert.deepEqual(await request(socket, ["echo", "on"]), ["on"]);
  });
}

function orders(transport) {
  const thousand = Array.from({ length: 1_000 }, (_, i) => i);

  test("a thousand events from the server arrive in order", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "seq");
    socket.emit("sequence", 1_000);
    await flushed(socket);
    assert.deepEqual(seen, thousand);
  });

  test("a thousand events from the client are handled in order", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "echo");
    thousand.forEach((i) => socket.emit("echo", i));
    await flushed(socket);
    assert.deepEqual(seen, thousand);
  });

  test("text and binary keep their order among each other", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "echo");
    const sent = Array.from({ length: 60 }, (_, i) =>
      i % 3 === 0 ? Buffer.from([i, 255]) : `text ${i}`,
    );
    sent.forEach((value) => socket.emit("echo", value));
    await flushed(socket);
    assert.deepEqual(seen, sent);
  });

  test("events of two clients do not mix", async (t) => {
    const sockets = await connectMany(t, server, 4, { transport });
    await Promise.all(
      sockets.map(async (socket, n) => {
        const seen = collect(socket, "echo");
        thousand.slice(0, 200).forEach((i) => socket.emit("echo", `${n}:${i}`));
        await flushed(socket);
        assert.deepEqual(
          seen,
          thousand.slice(0, 200).map((i) => `${n}:${i}`),
        );
      }),
    );
  });
}

function sizes(transport) {
  test("a message just under the limit passes both ways", async (t) => {
    const socket = await connect(t, server, { transport });
    // 100 000 bytes less the packet around it.
    const text = "x".repeat(99_900);
    assert.deepEqual(await request(socket, ["echo", text]), [text]);
    const cyrillic = "ж".repeat(49_900);
    assert.deepEqual(await request(socket, ["echo", cyrillic]), [cyrillic]);
  });

  test("several large messages at once go in as many requests as they need", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "echo");
    const sent = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(60_000));
    sent.forEach((text) => socket.emit("echo", text));
    await flushed(socket);
    assert.deepEqual(seen, sent);
  });

  test("the limit is for what clients send: the server may send more", async (t) => {
    const socket = await connect(t, server, { transport });
    const text = await ack(socket, "make-text", 2_000_000);
    assert.equal(text.length, 2_000_000);
    assert.equal(text.replaceAll("x", ""), "");
  });

  test("a message over the limit ends its connection and no other", async (t) => {
    const [loud, calm] = await connectMany(t, server, 2, { transport });
    const gone = next(loud, "disconnect");
    const onWebSocket = loud.io.engine.transport.name === "websocket";
    loud.emit("echo", "x".repeat(150_000));
    const [reason, details] = await gone;
    if (onWebSocket) {
      assert.equal(reason, "transport close");
      assert.equal(details.context.code, 1009);
    } else if (transport.settled) {
      assert.equal(reason, "transport error");
      assert.equal(details.context.status, 413);
    } else {
      assert.match(reason, /^transport (close|error)$/);
    }
    assert.equal(await ack(calm, "echo-ack", "unmoved"), "unmoved");
  });
}

function volatile(transport) {
  test("a volatile burst may have gaps, but nothing twice or out of order", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "burst");
    assert.deepEqual(await request(socket, ["volatile-burst", 500], "burst-end"), [500]);
    const ordered = [...new Set(seen)].sort((a, b) => a - b);
    assert.deepEqual(seen, ordered);
    assert.ok(seen.length >= 1 && seen.length <= 500, `${seen.length} of 500`);
  });

  test("what the client emits as volatile while it is away is not sent later", async (t) => {
    const socket = await connect(t, server, { transport });
    const seen = collect(socket, "echo");
    socket.disconnect();
    socket.volatile.emit("echo", "volatile");
    socket.emit("echo", "kept");
    const back = next(socket, "connect");
    socket.connect();
    await back;
    await flushed(socket);
    assert.deepEqual(seen, ["kept"]);
  });
}

function refusals(transport) {
  test("a middleware of the socket refuses one event, the rest passes", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.deepEqual(await request(socket, ["forbidden", 1], "mw-error"), ["event forbidden"]);
    assert.deepEqual(await request(socket, ["echo", "allowed"]), ["allowed"]);
  });

  test("an announcement over HTTP reaches everyone in the main namespace", async (t) => {
    const main = await connectMany(t, server, 2, { transport });
    const chat = await connect(t, server, { nsp: "/chat", transport });
    const inChat = collect(chat, "news");
    const heard = main.map((socket) => next(socket, "news"));
    const body = JSON.stringify({ event: "news", data: { text: "всем" } });
    const response = await fetch(`${server.url}/announce`, { method: "POST", body });
    assert.equal(response.status, 204);
    assert.deepEqual(await Promise.all(heard), [[{ text: "всем" }], [{ text: "всем" }]]);
    await flushed(chat);
    assert.deepEqual(inChat, []);
  });
}

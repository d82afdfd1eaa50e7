// The raw WebSocket endpoint with the stock npm client: messages, pings, closes, subprotocols.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { next, pause } from "./clients.mjs";
import { start } from "./server.mjs";

let server;
before(async () => {
  server = await start();
});
after(() => server.kill());

/** Opens the echo endpoint; the test's end cuts it. */
async function open(t, { target = "/echo", protocols = [], on = server, ...options } = {}) {
  const socket = new WebSocket(on.url.replace("http", "ws") + target, protocols, {
    perMessageDeflate: false,
    ...options,
  });
  t.after(() => socket.terminate());
  await next(socket, "open");
  return socket;
}

/** The next message: text as a string, binary as a Buffer. */
async function received(socket) {
  const [data, isBinary] = await next(socket, "message");
  return isBinary ? data : data.toString();
}

/** Sends and waits for what comes back. */
async function echoed(socket, data) {
  const answer = received(socket);
  socket.send(data);
  return answer;
}

/** Collects the next `count` messages. */
function messages(socket, count) {
  return new Promise((resolve, reject) => {
    const seen = [];
    socket.on("message", (data, isBinary) => {
      seen.push(isBinary ? data : data.toString());
      if (seen.length === count) {
        resolve(seen);
      }
    });
    socket.once("close", (code) =>
      reject(new Error(`closed (${code}) after ${seen.length} messages`)),
    );
  });
}

/** Waits for the close: `[code, reason]`. */
async function closed(socket) {
  const [code, reason] = await next(socket, "close");
  return [code, reason.toString()];
}

describe("messages", () => {
  for (const text of [
    "",
    "hello",
    "Привет, мир",
    "🦀👩‍👩‍👧",
    "\u0000\u001e\u007f",
    "\ufeff",
    '{"json":1}',
  ]) {
    test(`text comes back as text: ${JSON.stringify(text)}`, async (t) => {
      assert.equal(await echoed(await open(t), text), text);
    });
  }

  test("binary comes back as binary, every byte, and none", async (t) => {
    const socket = await open(t);
    for (const bytes of [Buffer.alloc(0), Buffer.from(Array.from({ length: 256 }, (_, i) => i))]) {
      assert.deepEqual(await echoed(socket, bytes), bytes);
    }
  });

  // Around the steps of the length field and of common buffers.
  for (const size of [1, 125, 126, 127, 4_095, 4_096, 16_384, 65_535, 65_536, 65_537, 1_000_000]) {
    test(`${size} bytes, text and binary`, async (t) => {
      const socket = await open(t);
      const bytes = randomBytes(size);
      assert.ok((await echoed(socket, bytes)).equals(bytes));
      const text = "x".repeat(size);
      assert.equal(await echoed(socket, text), text);
    });
  }

  test("fifteen megabytes are whole", async (t) => {
    const socket = await open(t);
    const bytes = randomBytes(15_000_000);
    assert.ok((await echoed(socket, bytes)).equals(bytes));
  });

  test("ten thousand messages come back in order", async (t) => {
    const socket = await open(t);
    const sent = Array.from({ length: 10_000 }, (_, i) =>
      i % 10 ? `message ${i}` : Buffer.from([i % 256]),
    );
    const all = messages(socket, sent.length);
    sent.forEach((message) => socket.send(message));
    assert.deepEqual(await all, sent);
  });

  test("several clients at once do not mix", async (t) => {
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const socket = await open(t);
        const sent = Array.from({ length: 200 }, (__, i) => `${n}:${i}`);
        const all = messages(socket, sent.length);
        sent.forEach((message) => socket.send(message));
        assert.deepEqual(await all, sent);
      }),
    );
  });
});

describe("fragments", () => {
  test("a message in pieces is one message", async (t) => {
    const socket = await open(t);
    const answer = received(socket);
    socket.send("one, ", { fin: false });
    socket.send("", { fin: false });
    socket.send("two, ", { fin: false });
    socket.send("three", { fin: true });
    assert.equal(await answer, "one, two, three");
  });

  test("a letter may be cut in two", async (t) => {
    const socket = await open(t);
    const bytes = Buffer.from("Ж🦀");
    const answer = received(socket);
    for (const byte of bytes.subarray(0, -1)) {
      socket.send(Buffer.from([byte]), { fin: false, binary: false });
    }
    socket.send(bytes.subarray(-1), { fin: true });
    assert.equal(await answer, "Ж🦀");
  });

  test("a ping between the pieces is answered at once", async (t) => {
    const socket = await open(t);
    const answer = received(socket);
    const pong = next(socket, "pong");
    socket.send("before ", { fin: false });
    socket.ping("now");
    assert.equal((await pong)[0].toString(), "now");
    socket.send("after", { fin: true });
    assert.equal(await answer, "before after");
  });

  test("a thousand pieces are one message", async (t) => {
    const socket = await open(t);
    const piece = "x".repeat(50);
    const answer = received(socket);
    for (let i = 0; i < 999; i += 1) {
      socket.send(piece, { fin: false });
    }
    socket.send(piece, { fin: true });
    assert.equal(await answer, piece.repeat(1_000));
  });
});

describe("pings", () => {
  for (const payload of ["", "p", "x".repeat(125)]) {
    test(`a ping of ${payload.length} bytes is answered with the same`, async (t) => {
      const socket = await open(t);
      const pong = next(socket, "pong");
      socket.ping(payload);
      assert.equal((await pong)[0].toString(), payload);
    });
  }

  test("pings are answered in order, among messages", async (t) => {
    const socket = await open(t);
    const pongs = [];
    socket.on("pong", (data) => pongs.push(data.toString()));
    const numbers = Array.from({ length: 20 }, (_, i) => String(i));
    const all = messages(socket, 21);
    for (const number of numbers) {
      socket.ping(number);
      socket.send(number);
    }
    socket.send("last");
    assert.deepEqual(await all, [...numbers, "last"]);
    assert.deepEqual(pongs, numbers);
  });

  test("a pong that nobody asked for does no harm", async (t) => {
    const socket = await open(t);
    socket.pong("unasked");
    assert.equal(await echoed(socket, "on"), "on");
  });
});

describe("closing", () => {
  for (const code of [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4000, 4999,
  ]) {
    test(`the server closes with ${code} and a reason`, async (t) => {
      const socket = await open(t);
      const end = closed(socket);
      socket.send(`close:${code}:причина: ${code}`);
      assert.deepEqual(await end, [code, `причина: ${code}`]);
    });

    test(`the client closes with ${code}`, async (t) => {
      const socket = await open(t);
      const end = closed(socket);
      socket.close(code, "enough");
      assert.equal((await end)[0], code);
    });
  }

  test("a close without a code", async (t) => {
    const socket = await open(t);
    const end = closed(socket);
    socket.close();
    assert.equal((await end)[0], 1005);
  });

  test("the longest reason, 123 bytes", async (t) => {
    const reason = `${"ж".repeat(61)}x`;
    const socket = await open(t);
    const end = closed(socket);
    socket.send(`close:4000:${reason}`);
    assert.deepEqual(await end, [4000, reason]);
  });

  test("what was sent before a close arrives before it", async (t) => {
    const socket = await open(t);
    const all = messages(socket, 100);
    const end = closed(socket);
    Array.from({ length: 100 }, (_, i) => socket.send(String(i)));
    socket.send("close:1000:done");
    assert.equal((await all).length, 100);
    assert.deepEqual(await end, [1000, "done"]);
  });

  test("a cut TCP connection is told from a close", async (t) => {
    const socket = await open(t);
    const end = closed(socket);
    socket.send("drop");
    assert.equal((await end)[0], 1006);
  });

  test("a client that vanishes leaves the others alone", async (t) => {
    const [vanishing, staying] = await Promise.all([open(t), open(t)]);
    vanishing.send("x".repeat(1_000_000));
    vanishing.terminate();
    await pause(50);
    assert.equal(await echoed(staying, "on"), "on");
  });
});

describe("handshakes", () => {
  for (const [offered, chosen] of [
    [["chat.v1"], "chat.v1"],
    [["chat.v2"], "chat.v2"],
    [["chat.v1", "chat.v2"], "chat.v2"],
    [["other", "chat.v1"], "chat.v1"],
    [[], ""],
  ]) {
    test(`of the subprotocols [${offered}] it takes "${chosen}"`, async (t) => {
      assert.equal((await open(t, { protocols: offered })).protocol, chosen);
    });
  }

  test("none in common: answered without one, which the client will not have", async (t) => {
    await assert.rejects(
      new Promise((_, reject) => {
        const socket = new WebSocket(`${server.url.replace("http", "ws")}/echo`, ["other"]);
        t.after(() => socket.terminate());
        socket.on("error", reject);
      }),
      /Server sent no subprotocol/,
    );
  });

  test("a refusal carries its status", async (t) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/echo/refuse`);
    socket.on("error", () => {});
    t.after(() => socket.terminate());
    const [, response] = await next(socket, "unexpected-response");
    assert.equal(response.statusCode, 401);
  });

  test("it sees which extensions the client offered", async (t) => {
    const plain = await open(t);
    assert.equal(await echoed(plain, "headers"), "");
    const offering = await open(t, { perMessageDeflate: true });
    assert.match(await echoed(offering, "headers"), /permessage-deflate/);
  });

  test("an extension that is off is not agreed to, and all works without", async (t) => {
    const socket = await open(t, { perMessageDeflate: true });
    assert.equal(socket.extensions, "");
    const text = "compressible ".repeat(1_000);
    assert.equal(await echoed(socket, text), text);
  });

  test("a query on the path does no harm", async (t) => {
    assert.equal(await echoed(await open(t, { target: "/echo?a=b&c=%20" }), "on"), "on");
  });
});

describe("the message limit", () => {
  let small;
  before(async () => {
    small = await start({ wsMaxPayload: 100_000 });
  });
  after(() => small.kill());

  test("a message of just the limit passes", async (t) => {
    const socket = await open(t, { on: small });
    const bytes = randomBytes(100_000);
    assert.ok((await echoed(socket, bytes)).equals(bytes));
  });

  test("one byte more: 1009, and nobody else notices", async (t) => {
    const [loud, calm] = await Promise.all([open(t, { on: small }), open(t, { on: small })]);
    const end = closed(loud);
    loud.send(randomBytes(100_001));
    assert.equal((await end)[0], 1009);
    assert.equal(await echoed(calm, "on"), "on");
  });

  test("pieces are counted together", async (t) => {
    const socket = await open(t, { on: small });
    const end = closed(socket);
    for (let i = 0; i < 11; i += 1) {
      socket.send(Buffer.alloc(10_000), { fin: false });
    }
    assert.equal((await end)[0], 1009);
  });

  test("the limit is for one message, not for all of them", async (t) => {
    const socket = await open(t, { on: small });
    for (let i = 0; i < 5; i += 1) {
      assert.equal((await echoed(socket, Buffer.alloc(60_000))).length, 60_000);
    }
  });
});

// WebSocket frames by hand: each violation gets its close code (RFC 6455 section 7.4.1), what is
// odd but legal works.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { next } from "./clients.mjs";
import { SUBJECT, start } from "./server.mjs";
import { FrameWire, OPCODE, Wire, closeBody, frame, requestHead, upgradeHeaders } from "./wire.mjs";

let server;
let witness;
before(async () => {
  server = await start({ wsMaxPayload: 1_000_000 });
  witness = new WebSocket(`${server.url.replace("http", "ws")}/echo`);
  await next(witness, "open");
});
after(async () => {
  witness.terminate();
  await server.kill();
});

// Another connection of the same server works after each test as it did before.
afterEach(async () => {
  const answer = next(witness, "message");
  witness.send("still here");
  assert.equal((await answer)[0].toString(), "still here");
});

const open = (t) => FrameWire.open(t, server, "/echo");

/** Sends the bytes; the server must answer with a Close frame of that code and end the line. */
async function violation(t, bytes, ...codes) {
  const wire = await open(t);
  wire.write(bytes);
  const { code, reason, before: frames } = await wire.close();
  assert.ok(codes.includes(code), `closed with ${code}, expected ${codes}`);
  if (SUBJECT === "rialto") {
    // Node gives no reasons.
    assert.notEqual(reason, "");
  }
  return frames;
}

describe("violations of the framing: 1002", () => {
  const text = (options) => frame(OPCODE.text, "hi", options);
  const cases = {
    "a frame without a mask": text({ masked: false }),
    "the first reserved bit, with no extension agreed": text({ rsv: 4 }),
    "the second reserved bit": text({ rsv: 2 }),
    "the third reserved bit": text({ rsv: 1 }),
    "a reserved bit on a ping": frame(OPCODE.ping, "", { rsv: 4 }),
    "a ping of 126 bytes": frame(OPCODE.ping, "x".repeat(126)),
    "a ping in pieces": frame(OPCODE.ping, "x", { fin: false }),
    "a close in pieces": frame(OPCODE.close, closeBody(1000), { fin: false }),
    "a close of one byte": frame(OPCODE.close, "x"),
    "a continuation of nothing": frame(OPCODE.continuation, "x"),
    "a continuation after a whole message": Buffer.concat([
      text(),
      frame(OPCODE.continuation, "x"),
    ]),
    "a new message inside another": Buffer.concat([text({ fin: false }), text()]),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, (t) => violation(t, bytes, 1002));
  }

  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    test(`reserved opcode ${opcode}`, (t) => violation(t, frame(opcode, "x"), 1002));
  }

  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535]) {
    test(`close code ${code}, which nobody may send`, async (t) => {
      await violation(t, frame(OPCODE.close, closeBody(code)), 1002);
    });
  }

  test("what came before the violation is answered first", async (t) => {
    const bytes = Buffer.concat([
      frame(OPCODE.text, "one"),
      frame(OPCODE.ping, "two"),
      frame(3, "x"),
    ]);
    const frames = await violation(t, bytes, 1002);
    // Pongs may overtake the echo, which passes through the application.
    const seen = frames.map(({ opcode, payload }) => `${opcode} ${payload}`).sort();
    assert.deepEqual(seen, ["1 one", "10 two"]);
  });
});

describe("text that is no UTF-8: 1007", () => {
  const cases = {
    "a byte that never occurs": [0xff],
    "a lone continuation": [0x80],
    "an overlong slash": [0xc0, 0xaf],
    "half of a surrogate pair": [0xed, 0xa0, 0x80],
    "beyond the last code point": [0xf4, 0x90, 0x80, 0x80],
    "a letter without its end": [0xd0],
    "an ASCII letter inside another": [0xf0, 0x9f, 0x41, 0x80],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, (t) => violation(t, frame(OPCODE.text, Buffer.from(bytes)), 1007));
    test(`${name}, after much that is`, async (t) => {
      const body = Buffer.concat([Buffer.from("ж".repeat(1_000)), Buffer.from(bytes)]);
      await violation(t, frame(OPCODE.text, body), 1007);
    });
  }

  test("across pieces", async (t) => {
    const [a, b] = [Buffer.from([0xd0]), Buffer.from([0x41])];
    const pieces = [frame(OPCODE.text, a, { fin: false }), frame(OPCODE.continuation, b)];
    await violation(t, Buffer.concat(pieces), 1007);
  });

  test("in the reason of a close", async (t) => {
    const body = Buffer.concat([closeBody(1000), Buffer.from([0xff])]);
    await violation(t, frame(OPCODE.close, body), 1007);
  });

  test("as binary the same bytes pass", async (t) => {
    const wire = await open(t);
    wire.write(frame(OPCODE.binary, Buffer.from([0xff, 0xc0, 0x80])));
    assert.deepEqual((await wire.frame()).payload, Buffer.from([0xff, 0xc0, 0x80]));
  });
});

describe("lengths", () => {
  test("a huge announced length is refused before any of it has come: 1009", async (t) => {
    await violation(t, frame(OPCODE.binary, "", { length: 1_000_001n }), 1009);
    await violation(t, frame(OPCODE.binary, "", { length: 1n << 40n }), 1009);
  });

  test("so is a sum of pieces", async (t) => {
    const pieces = [
      frame(OPCODE.binary, Buffer.alloc(600_000), { fin: false }),
      frame(OPCODE.continuation, "", { length: 600_000n }),
    ];
    await violation(t, Buffer.concat(pieces), 1009);
  });

  test("a length with its top bit set is none", async (t) => {
    await violation(t, frame(OPCODE.binary, "", { length: 1n << 63n }), 1002, 1009);
  });

  test("a flood of empty pieces is ended", async (t) => {
    const wire = await open(t);
    const piece = frame(OPCODE.continuation, "", { fin: false });
    wire.write(frame(OPCODE.text, "", { fin: false }));
    wire.write(Buffer.concat(Array.from({ length: 40_000 }, () => piece)));
    const { code } = await wire.frame().then(({ payload }) => ({ code: payload.readUInt16BE(0) }));
    assert.ok([1008, 1009].includes(code), `closed with ${code}`);
  });

  test("a frame whose end never comes harms nobody", async (t) => {
    const wire = await open(t);
    wire.write(frame(OPCODE.text, "x".repeat(1_000)).subarray(0, 500));
    wire.cut();
  });
});

describe("odd but legal", () => {
  test("the key of the RFC gets the answer of the RFC", async (t) => {
    const wire = new Wire(t, server);
    const headers = { Connection: "keep-alive, UPGRADE", Upgrade: "WebSocket" };
    wire.write(requestHead(server, "GET", "/echo", upgradeHeaders(headers)));
    const answer = await wire.response();
    assert.equal(answer.status, 101);
    assert.equal(answer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert.match(answer.headers.connection, /upgrade/i);
    assert.match(answer.headers.upgrade, /websocket/i);
    assert.equal(answer.headers["sec-websocket-protocol"], undefined);
    assert.equal(answer.headers["sec-websocket-extensions"], undefined);
  });

  test("a frame may come together with the handshake", async (t) => {
    const wire = new FrameWire(t, server);
    const handshake = Buffer.from(requestHead(server, "GET", "/echo", upgradeHeaders()));
    wire.write(Buffer.concat([handshake, frame(OPCODE.text, "early")]));
    assert.equal((await wire.response()).status, 101);
    assert.equal((await wire.frame()).payload.toString(), "early");
  });

  test("a frame may come byte by byte", async (t) => {
    const wire = await open(t);
    for (const byte of frame(OPCODE.text, "ж slow 🦀")) {
      wire.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    assert.equal((await wire.frame()).payload.toString(), "ж slow 🦀");
  });

  test("many frames may come in one piece", async (t) => {
    const wire = await open(t);
    const texts = Array.from({ length: 500 }, (_, i) => `frame ${i}`);
    wire.write(Buffer.concat(texts.map((text) => frame(OPCODE.text, text))));
    for (const text of texts) {
      assert.equal((await wire.frame()).payload.toString(), text);
    }
  });

  test("the server's frames are whole and carry no mask", async (t) => {
    const wire = await open(t);
    wire.write(frame(OPCODE.text, "x".repeat(200)));
    await wire.until(() => wire.received.length >= 4);
    // FIN and text; no mask bit; the two-byte length.
    assert.deepEqual([...wire.received.subarray(0, 4)], [0x81, 126, 0, 200]);
  });

  test("after the closing handshake the server ends the TCP connection", async (t) => {
    const wire = await open(t);
    wire.write(frame(OPCODE.close, closeBody(3000, "bye")));
    const { opcode, payload } = await wire.frame();
    assert.equal(opcode, OPCODE.close);
    assert.equal(payload.readUInt16BE(0), 3000);
    await wire.end();
    assert.equal(wire.received.length, 0);
  });

  test("what comes after a Close frame is not looked at", async (t) => {
    const wire = await open(t);
    wire.write(
      Buffer.concat([
        frame(OPCODE.close, closeBody(1000)),
        frame(OPCODE.text, "late"),
        frame(3, "x"),
      ]),
    );
    const { code, before: frames } = await wire.close();
    assert.equal(code, 1000);
    assert.deepEqual(frames, []);
  });
});

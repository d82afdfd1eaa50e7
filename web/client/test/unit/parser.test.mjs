// Socket.IO packets: the same wire as the stock parser, and no way in for malformed ones.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { Decoder, Encoder } from "../../src/parser.js";

// The parser that the stock client itself uses.
const stock = createRequire(import.meta.resolve("socket.io-client"))("socket.io-parser");

const plain = (value) =>
  JSON.parse(
    JSON.stringify(value, function replace(key, after) {
      const raw = this[key];
      const view = ArrayBuffer.isView(raw) || raw instanceof ArrayBuffer;
      return view ? { bytes: [...new Uint8Array(raw.buffer ?? raw)] } : after;
    }),
  );

function decode(Parser, messages) {
  const packets = [];
  const decoder = new Parser();
  decoder.on("decoded", (packet) => packets.push(packet));
  messages.forEach((message) => decoder.add(message));
  return packets;
}

const packets = {
  connect: { type: 0, nsp: "/" },
  "connect with payload": { type: 0, nsp: "/admin", data: { token: "123" } },
  disconnect: { type: 1, nsp: "/admin" },
  event: { type: 2, nsp: "/", data: ["a", 1, null, { b: [] }] },
  "numeric event": { type: 2, nsp: "/", data: [5] },
  "event with id": { type: 2, nsp: "/x-1", id: 456, data: ["a"] },
  ack: { type: 3, nsp: "/", id: 0, data: [] },
  "connect error": { type: 4, nsp: "/n", data: { message: "no", data: { code: 1 } } },
  "binary event": {
    type: 2,
    nsp: "/",
    data: ["a", new Uint8Array([1]), { b: [new Uint8Array([2])] }],
  },
  "binary ack": { type: 3, nsp: "/n", id: 7, data: [new Uint8Array([3])] },
  "own __proto__": { type: 2, nsp: "/", data: ["a", JSON.parse('{"__proto__":{"x":1}}')] },
};

for (const [name, packet] of Object.entries(packets)) {
  test(`${name}: what stock decodes, and what it encodes`, () => {
    const copy = { ...packet, data: packet.data && structuredClone(packet.data) };
    const ours = new Encoder().encode(packet);
    const theirs = new stock.Encoder().encode(copy);
    assert.deepEqual(plain(ours), plain(theirs));
    const [ourPacket] = decode(Decoder, theirs);
    assert.deepEqual(plain(ourPacket), plain({ ...packet, data: packet.data }));
    const [theirPacket] = decode(stock.Decoder, ours);
    assert.deepEqual(plain(theirPacket.data ?? null), plain(packet.data ?? null));
  });
}

test("bytes find their places, also under the key __proto__", () => {
  const attachment = new Uint8Array([1]).buffer;
  const text = '51-["a",{"__proto__":{"_placeholder":true,"num":0}}]';
  const [{ data }] = decode(Decoder, [text, attachment]);
  assert.equal(Object.getOwnPropertyDescriptor(data[1], "__proto__").value, attachment);
  assert.equal(Object.getPrototypeOf(data[1]), Object.prototype);
});

for (const text of [
  "",
  "7",
  "x",
  "2",
  "2{}",
  "2[]",
  "2[{}]",
  "2[null]",
  '2["connect"]',
  '2["disconnecting"]',
  "2[",
  "3[]",
  "31",
  '31{"a":1}',
  "0[]",
  "0null",
  "1{}",
  "4",
  "4[]",
  '5["a"]',
  '5-["a"]',
  '51["a"]',
  '2-1["a"]',
  '21-["a"]',
  '511-["a"]',
  '51e1-["a"]',
  '299999999999999999999["a"]',
]) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => decode(Decoder, [text]), Error);
  });
}

test("refuses placeholders without bytes, and bytes without placeholders", () => {
  const bytes = new ArrayBuffer(1);
  for (const num of ["1", "-1", "0.5", '"0"', "null"]) {
    const text = `51-["a",{"_placeholder":true,"num":${num}}]`;
    assert.throws(() => decode(Decoder, [text, bytes]), /placeholder/);
  }
  assert.throws(() => decode(Decoder, [bytes]), /bytes/);
  assert.throws(() => decode(Decoder, ['51-["a"]', '2["b"]']), /text/);
});

test("eleven binary values are too many, in both directions", () => {
  const data = ["a", ...Array.from({ length: 11 }, () => new Uint8Array(1))];
  const packet = { type: 2, nsp: "/", data };
  assert.throws(() => new Encoder().encode(packet), RangeError);
  assert.equal(new Encoder({ maxAttachments: 11 }).encode(packet).length, 12);
  data.pop();
  assert.equal(new Encoder().encode(packet).length, 11);
});

test("an event without bytes keeps its placeholder-like objects", () => {
  const [{ data }] = decode(Decoder, ['2["a",{"_placeholder":true,"num":0}]']);
  assert.deepEqual(data[1], { _placeholder: true, num: 0 });
});

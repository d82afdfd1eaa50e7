// MessagePack: the wire of npm's socket.io-msgpack-parser, and no way in for malformed packets.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { decode } from "../../src/msgpack/decode.js";
import { MAX_DEPTH, encode } from "../../src/msgpack/encode.js";
import { Decoder, Encoder, PacketType, protocol } from "../../src/msgpack/parser.js";

const require = createRequire(import.meta.url);
const npm = require("socket.io-msgpack-parser");
// The package that it is built on: in Node, and what a bundler takes for browsers.
const requirePart = createRequire(require.resolve("socket.io-msgpack-parser"));
const peers = {
  "npm's, in Node": requirePart("notepack.io"),
  "npm's, in browsers": {
    encode: requirePart("notepack.io/browser/encode.js"),
    decode: requirePart("notepack.io/browser/decode.js"),
  },
};

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const fromHex = (text) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const filled = (length, byte) => Buffer.alloc(length, byte).toString("hex");

// By the specification of MessagePack: each form, at both of its ends.
const forms = [
  [null, "c0"],
  [false, "c2"],
  [true, "c3"],
  [0, "00"],
  [127, "7f"],
  [128, "cc80"],
  [255, "ccff"],
  [256, "cd0100"],
  [65535, "cdffff"],
  [65536, "ce00010000"],
  [4294967295, "ceffffffff"],
  [4294967296, "cf0000000100000000"],
  [Number.MAX_SAFE_INTEGER, "cf001fffffffffffff"],
  [2 ** 63, "cf8000000000000000"],
  [-1, "ff"],
  [-32, "e0"],
  [-33, "d0df"],
  [-128, "d080"],
  [-129, "d1ff7f"],
  [-32768, "d18000"],
  [-32769, "d2ffff7fff"],
  [-2147483648, "d280000000"],
  [-2147483649, "d3ffffffff7fffffff"],
  [Number.MIN_SAFE_INTEGER, "d3ffe0000000000001"],
  [-(2 ** 63), "d38000000000000000"],
  [0.5, "cb3fe0000000000000"],
  [-1.25, "cbbff4000000000000"],
  [Infinity, "cb7ff0000000000000"],
  [-Infinity, "cbfff0000000000000"],
  [NaN, "cb7ff8000000000000"],
  ["", "a0"],
  ["é€😀\0", "aa c3a9 e282ac f09f9880 00"],
  ["\ufeffa", "a4 efbbbf 61"],
  ["x".repeat(31), `bf${filled(31, "x")}`],
  ["x".repeat(32), `d920${filled(32, "x")}`],
  ["x".repeat(255), `d9ff${filled(255, "x")}`],
  ["x".repeat(256), `da0100${filled(256, "x")}`],
  ["x".repeat(65535), `daffff${filled(65535, "x")}`],
  ["x".repeat(65536), `db00010000${filled(65536, "x")}`],
  [[], "90"],
  [Array(15).fill(1), `9f${filled(15, 1)}`],
  [Array(16).fill(1), `dc0010${filled(16, 1)}`],
  [Array(65535).fill(1), `dcffff${filled(65535, 1)}`],
  [Array(65536).fill(1), `dd00010000${filled(65536, 1)}`],
  [{}, "80"],
  [{ a: { b: [null] } }, "81 a161 81 a162 91 c0"],
  [Object.fromEntries([..."abcdefghijklmno"].map((name) => [name, 1])), null],
  [Object.fromEntries([..."abcdefghijklmnop"].map((name) => [name, 1])), null],
  [Object.fromEntries(Array.from({ length: 65536 }, (_, i) => [i, 1])), null],
  [new ArrayBuffer(0), "c400"],
  [new ArrayBuffer(255), `c4ff${filled(255, 0)}`],
  [new ArrayBuffer(256), `c50100${filled(256, 0)}`],
  [new ArrayBuffer(65536), `c600010000${filled(65536, 0)}`],
  [undefined, "d40000"],
  [new Date(0), "d7000000000000000000"],
  [new Date(1763730000123), "d7000000019aa68008fb"],
  [new Date(-1), "d700ffffffffffffffff"],
];

test("each form of MessagePack, written and read", () => {
  for (const [value, expected] of forms) {
    const bytes = encode(value);
    if (expected) assert.equal(hex(bytes), expected.replaceAll(" ", ""));
    assert.deepEqual(decode(bytes), value);
  }
});

test("forms that are read and never written", () => {
  for (const [text, value] of [
    ["ca 3fc00000", 1.5],
    ["cc 05", 5],
    ["cf 0000000000000005", 5],
    ["cf ffffffffffffffff", 2 ** 64],
    ["d3 ffffffffffffffff", -1],
    ["d9 01 61", "a"],
    ["dc 0001 01", [1]],
    ["de 0001 a161 01", { a: 1 }],
    ["81 05 01", { 5: 1 }],
    ["d4 01 07", [1, new Uint8Array([7]).buffer]],
    ["d5 00 0102", [0, new Uint8Array([1, 2]).buffer]],
    ["d6 ff 00000000", [-1, new ArrayBuffer(4)]],
    [`d8 05 ${filled(16, 9)}`, [5, new Uint8Array(16).fill(9).buffer]],
    ["c7 02 05 0102", [5, new Uint8Array([1, 2]).buffer]],
    // So Node's parser writes array buffers; of eight bytes, they are no date.
    ["c7 02 00 0102", new Uint8Array([1, 2]).buffer],
    [`c7 08 00 ${filled(8, 1)}`, new Uint8Array(8).fill(1).buffer],
    [`c8 0100 00 ${filled(256, 3)}`, new Uint8Array(256).fill(3).buffer],
    [`c9 00000001 00 04`, new Uint8Array([4]).buffer],
  ]) {
    assert.deepEqual(decode(fromHex(text)), value, text);
  }
});

/** Numbers below one that are the same at each run (Numerical Recipes' generator). */
function randomFrom(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** Values as an application sends them. */
function* values(count) {
  const random = randomFrom(1);
  const text = () => Array.from({ length: random(40) }, () => "aé€😀"[random(4)] ?? "z").join("");
  const whole = () => (random(2) ? 1 : -1) * Math.floor(2 ** random(54) * (1 + random(9) / 10));
  const leaves = [
    () => null,
    () => random(2) === 0,
    whole,
    () => (random(2 ** 31) - 2 ** 30) / 7,
    // Whole characters only: a lone half is written in another way.
    () => text().toWellFormed?.() ?? text().replace(/[\ud800-\udfff]/g, "?"),
    () => undefined,
    () => new Date(whole() % 8.64e15),
  ];
  const value = (depth) => {
    const kind = random(depth > 0 ? leaves.length + 2 : leaves.length);
    if (kind < leaves.length) return leaves[kind]();
    const inner = Array.from({ length: random(20) }, () => value(depth - 1));
    return kind === leaves.length ? inner : Object.fromEntries(inner.map((v, i) => [`k${i}`, v]));
  };
  for (let i = 0; i < count; i++) yield value(4);
}

for (const [name, peer] of Object.entries(peers)) {
  test(`the bytes of ${name}, and what it reads`, () => {
    let compared = 0;
    const plain = forms.map(([value]) => value).filter((value) => !(value instanceof ArrayBuffer));
    for (const value of [...plain, ...values(500)]) {
      const ours = encode(value);
      const theirs = peer.encode(value);
      assert.equal(hex(ours), hex(theirs));
      assert.deepEqual(decode(theirs), value);
      assert.deepEqual(peer.decode(name.endsWith("Node") ? Buffer.from(ours) : ours), value);
      compared += 1;
    }
    assert.ok(compared > 500);
  });
}

/** A copy in which bytes of every type are alike. */
function alike(value) {
  if (value instanceof ArrayBuffer) return { bytes: hex(value) };
  if (ArrayBuffer.isView(value)) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(alike);
  if (value instanceof Date) return { time: value.getTime() };
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, alike(member)]));
}

test("bytes at random: what is read here, npm's reads in Node, and as the same", () => {
  const { decode: npmDecode } = peers["npm's, in Node"];
  const random = randomFrom(2);
  const counts = { read: 0, refused: 0 };
  for (const value of values(4000)) {
    const bytes = Buffer.from(encode({ value, tail: [1.5, "text", new ArrayBuffer(3)] }));
    for (let i = 0; i < 3; i++) bytes[random(bytes.length)] = random(256);
    let ours;
    try {
      ours = decode(bytes);
    } catch {
      counts.refused += 1;
      continue;
    }
    counts.read += 1;
    assert.deepEqual(alike(ours), alike(npmDecode(bytes)), hex(bytes));
  }
  assert.ok(counts.read > 200 && counts.refused > 200, JSON.stringify(counts));
});

test("bytes: written as npm's bin, whatever holds them; read from each of its forms", () => {
  const whole = new Uint8Array([9, 1, 2, 3, 9]);
  const expected = hex(peers["npm's, in Node"].encode(Buffer.from([1, 2, 3])));
  assert.equal(hex(peers["npm's, in browsers"].encode(new Uint8Array([1, 2, 3]).buffer)), expected);
  for (const binary of [
    new Uint8Array([1, 2, 3]).buffer,
    whole.subarray(1, 4),
    new DataView(whole.buffer, 1, 3),
    Buffer.from([1, 2, 3]),
  ]) {
    assert.equal(hex(encode(binary)), expected);
  }
  const exact = new Uint8Array([1, 2, 3]);
  for (const theirs of [
    peers["npm's, in Node"].encode(exact),
    peers["npm's, in Node"].encode(Buffer.from(exact)),
    peers["npm's, in browsers"].encode(exact.buffer),
  ]) {
    const back = decode(theirs);
    assert.ok(back instanceof ArrayBuffer);
    assert.equal(back.byteLength, 3);
    assert.deepEqual(new Uint8Array(back), exact);
  }
});

test("a Blob makes the message a Blob of the same bytes", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const packet = (binary) => ({ type: 2, data: ["a", binary, { b: [binary, "tail"] }], nsp: "/" });
  const [message] = new Encoder().encode(packet(new Blob([bytes])));
  assert.ok(message instanceof Blob);
  const [expected] = new Encoder().encode(packet(bytes));
  assert.equal(hex(await message.arrayBuffer()), hex(expected));
  assert.equal(message.size, expected.byteLength);
});

test("what npm's writes wrongly or not at all", () => {
  for (const [value, back] of [
    // Beyond 64 bits its integers lose what they cannot hold.
    [1e300, 1e300],
    [2 ** 64, 2 ** 64],
    [-(2 ** 64), -(2 ** 64)],
    // It writes the year 1970.
    [new Date(NaN), null],
    // Half a pair becomes another character.
    ["a\ud800b", "a\ufffdb"],
    ["\udc00", "\ufffd"],
    [5n, 5],
    [-5n, -5],
    [2n ** 62n, 2 ** 62],
    [[, 1], [undefined, 1]],
    [{ f() {}, a: 1 }, { a: 1 }],
    [{ toJSON: () => ({ a: [1] }) }, { a: [1] }],
    [{ toJSON: () => "text" }, "text"],
  ]) {
    assert.deepEqual(decode(encode(value)), back);
  }
  assert.equal(hex(encode(2n ** 64n - 1n)), "cfffffffffffffffff");
  assert.equal(hex(encode(-(2n ** 63n))), "d38000000000000000");
  const itself = { a: 1, toJSON: () => itself };
  assert.deepEqual(decode(encode(itself)), { a: 1 });
});

test("what MessagePack cannot hold is refused with its reason", () => {
  assert.throws(() => encode(["a", () => {}]), /TypeError: .* function/);
  assert.throws(() => encode(Symbol("s")), /TypeError: .* symbol/);
  assert.throws(() => encode(2n ** 64n), /RangeError: .* 64 bits/);
  assert.throws(() => encode(-(2n ** 63n) - 1n), /RangeError: .* 64 bits/);
  const cycle = [];
  cycle.push(cycle);
  assert.throws(() => encode(cycle), /RangeError: .* cycle/);
  const ring = {};
  ring.ring = { ring };
  assert.throws(() => encode(ring), /RangeError: .* cycle/);
});

/** So many arrays around each other, as bytes. */
const nested = (levels) => new Uint8Array([...Array(levels - 1).fill(0x91), 0x90]);

test(`${MAX_DEPTH} levels are written and read, one more is not`, () => {
  const deepest = decode(nested(MAX_DEPTH));
  assert.equal(hex(encode(deepest)), hex(nested(MAX_DEPTH)));
  assert.throws(() => encode([deepest]), /more than 128 levels/);
  assert.throws(() => decode(nested(MAX_DEPTH + 1)), /more than 128 levels/);
  const maps = fromHex(`${"81a161".repeat(MAX_DEPTH)}80`);
  assert.throws(() => decode(maps), /more than 128 levels/);
  assert.throws(() => decode(nested(1_000_000)), /more than 128 levels/);
});

test("a message that is cut off anywhere is refused", () => {
  const numbers = [1, -1, 300, -300, 70_000, -70_000, 2 ** 40, -(2 ** 40), 0.5];
  const others = ["text", "x".repeat(40), new Uint8Array(300), new Date(1), undefined];
  const whole = new Uint8Array(encode({ numbers, others }));
  decode(whole);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decode(whole.subarray(0, length)), /cut off/);
  }
});

test("what is no MessagePack is refused with its reason", () => {
  for (const [text, reason] of [
    ["", /cut off/],
    ["c1", /reserves/],
    ["01 02", /1 bytes behind/],
    ["a1 ff", /utf-?8/i],
    ["a3 eda080", /utf-?8/i],
    ["81 c0 01", /key/],
    ["81 90 01", /key/],
    // Announced and never sent: four thousand million bytes, elements, members.
    ["c6 ffffffff 00", /cut off/],
    ["c9 ffffffff 00 00", /cut off/],
    ["db ffffffff 61", /cut off/],
    ["dd ffffffff 01", /cut off/],
    ["df ffffffff a161 01", /cut off/],
  ]) {
    assert.throws(() => decode(fromHex(text)), reason, text);
  }
});

test("a member of the name __proto__ is a member", () => {
  const value = decode(encode(JSON.parse('{"__proto__":{"x":1}}')));
  assert.deepEqual(Object.getOwnPropertyDescriptor(value, "__proto__").value, { x: 1 });
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

function read(Parser, message) {
  const packets = [];
  const decoder = new Parser();
  decoder.on("decoded", (packet) => packets.push(packet));
  decoder.add(message);
  decoder.destroy();
  return packets;
}

// In the order in which the clients make them.
const packets = {
  connect: { type: 0, data: undefined, nsp: "/" },
  "connect with payload": { type: 0, data: { token: "123" }, nsp: "/admin" },
  disconnect: { type: 1, nsp: "/admin" },
  event: { type: 2, data: ["a", 1, null], options: { compress: true }, nsp: "/" },
  "numeric event": { type: 2, data: [5], nsp: "/" },
  "event with id": { type: 2, data: ["a"], options: { compress: true }, id: 456, nsp: "/x" },
  ack: { type: 3, id: 0, data: [], nsp: "/" },
  "connect error": { type: 4, nsp: "/n", data: { message: "no", data: { code: 1 } } },
};

for (const [name, packet] of Object.entries(packets)) {
  test(`${name}: the bytes of npm's parser, read by both`, () => {
    const [ours] = new Encoder().encode(packet);
    const [theirs] = new npm.Encoder().encode(packet);
    assert.equal(hex(ours), hex(theirs));
    assert.deepEqual(read(Decoder, theirs), [packet]);
    assert.deepEqual(read(npm.Decoder, Buffer.from(ours)), [packet]);
  });
}

test("the types and the revision of npm's parser", () => {
  for (const [name, type] of Object.entries(npm.PacketType)) assert.equal(PacketType[name], type);
  assert.equal(protocol, npm.protocol);
});

const event = { type: 2, nsp: "/", data: ["a"] };
for (const [what, value, own] of [
  ["nothing", undefined],
  ["null", null],
  ["a number", 5],
  ["an array", []],
  ["no type", { nsp: "/", data: ["a"] }],
  ["a type of attachments", { ...event, type: 5 }],
  ["a type beyond", { ...event, type: -1 }],
  ["half a type", { ...event, type: 2.5 }],
  ["no namespace", { type: 2, data: ["a"] }],
  ["a namespace that is no string", { ...event, nsp: 1 }],
  ["an event without a payload", { type: 2, nsp: "/" }],
  ["an event whose payload is no array", { ...event, data: { 0: "a" } }],
  ["an id that is no number", { ...event, id: "1" }],
  ["half an id", { ...event, id: 1.5 }],
  ["a connect with an array", { type: 0, nsp: "/", data: [] }],
  ["a disconnect with a payload", { type: 1, nsp: "/", data: {} }],
  ["a refusal without a reason", { type: 4, nsp: "/" }],
  ["an ack without a payload", { type: 3, nsp: "/", id: 1 }],
  // npm's takes these; with JSON, both refuse them.
  ["an event without a name", { ...event, data: [] }, true],
  ["an event whose name is an object", { ...event, data: [{}] }, true],
  ["an event that only the client emits", { ...event, data: ["connect"] }, true],
  ["an ack of nothing", { type: 3, nsp: "/", data: [] }, true],
]) {
  test(`refuses ${what}`, () => {
    const message = encode(value);
    assert.throws(() => read(Decoder, message), /invalid Socket\.IO packet/);
    if (!own) assert.throws(() => read(npm.Decoder, Buffer.from(message)));
  });
}

test("refuses text", () => {
  assert.throws(() => read(Decoder, '2["a"]'), /text/);
});

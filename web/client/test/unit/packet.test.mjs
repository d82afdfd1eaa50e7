// Engine.IO packets and payloads, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";

import { byteLength, fromBase64, isBinary, isBlob, toBase64, utf8Length } from "../../src/bytes.js";
import {
  countFitting,
  decodeText,
  encodedLength,
  encodePayload,
  encodeText,
  splitPayload,
} from "../../src/engine/packet.js";

test("packets as text", () => {
  const types = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
  types.forEach((type, code) => {
    assert.equal(encodeText({ type }), String(code));
    assert.deepEqual(decodeText(String(code)), { type });
    assert.deepEqual(decodeText(`${code}x`), { type, data: "x" });
  });
  assert.equal(encodeText({ type: "message", data: new Uint8Array([1, 2, 3, 4]) }), "bAQIDBA==");
  const { type, data } = decodeText("bAQIDBA==");
  assert.equal(type, "message");
  assert.deepEqual([...new Uint8Array(data)], [1, 2, 3, 4]);
});

test("what is no packet", () => {
  for (const text of ["", "7", "a", "-", "length", "b%"]) assert.throws(() => decodeText(text));
});

test("payloads", () => {
  const packets = [
    { type: "message", data: "a" },
    { type: "ping" },
    { type: "message", data: "€" },
  ];
  const body = encodePayload(packets);
  assert.equal(body, "4a\x1e2\x1e4€");
  assert.deepEqual(splitPayload(body).map(decodeText), packets);
});

test("lengths are those of the body", () => {
  const samples = [
    "",
    "a",
    "é",
    "€",
    "😀",
    "\ud800",
    "a\ud800b",
    "\udc00\ud800",
    "é😀€".repeat(99),
  ];
  for (const text of samples) assert.equal(utf8Length(text), Buffer.byteLength(text), text);
  for (const data of [
    undefined,
    ...samples,
    new Uint8Array(0),
    new Uint8Array(4),
    new Uint8Array(300),
  ]) {
    const packet = { type: "message", data };
    assert.equal(encodedLength(packet), Buffer.byteLength(encodeText(packet)));
  }
});

test("a batch fills the limit and never exceeds it, except by one packet alone", () => {
  const packets = ["aaaa", "bbb", "cc", "d"].map((data) => ({ type: "message", data }));
  for (let limit = 1; limit < 20; limit++) {
    const count = countFitting(packets, limit);
    const size = (n) => Buffer.byteLength(encodePayload(packets.slice(0, n)));
    assert.ok(count === 1 || size(count) <= limit, `limit ${limit}`);
    assert.ok(count === packets.length || size(count + 1) > limit, `limit ${limit}`);
  }
  assert.equal(countFitting(packets, Infinity), 4);
});

test("base64 of any length", () => {
  for (const length of [0, 1, 2, 3, 8191, 8192, 8193, 20000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.deepEqual(new Uint8Array(fromBase64(toBase64(bytes))), bytes);
  }
  assert.equal(toBase64(new Uint8Array([0, 1, 2, 3]).subarray(1, 3)), "AQI=");
});

test("what is binary", () => {
  const yes = [
    new ArrayBuffer(1),
    new Uint8Array(1),
    new DataView(new ArrayBuffer(1)),
    Buffer.alloc(1),
  ];
  for (const value of [...yes, new Blob(["a"])]) {
    assert.equal(isBinary(value), true);
    assert.equal(byteLength(value), 1);
  }
  for (const value of [null, undefined, "a", 1, {}, [], new Date()]) {
    assert.equal(isBinary(value), false);
  }
  assert.equal(isBlob(new Uint8Array(1)), false);
});

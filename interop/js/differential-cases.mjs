// Cases for the comparison of parsers: valid packets as npm's encoders write them, what becomes of
// those when a few characters or bytes are changed, and the seeds of the fuzz targets. The same
// seed gives the same cases.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

const SEEDS = path.join(import.meta.dirname, "../../fuzz/seeds");

/** Numbers that only look random (mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 up to, without, `end`. */
  below(end) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  chance(oneIn) {
    return this.below(oneIn) === 0;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const STRINGS = [
  "", "a", "say", "message", "connect", "disconnect", "newListener", "hi there", "Ответ 🦀", "é",
  "\ud83d", "x\udc00y", "\u2028\u2029", "\0\u0001\u001e\u001f", "\"\\/", "_placeholder", "num",
  "__proto__", "constructor", "[1,2]", "{\"a\":1}", "1", "1e3", ",", "-", "x".repeat(40),
];
const NUMBERS = [
  0, -0, 1, -1, 7, 31, 32, 127, 128, 255, 256, 65_535, 65_536, -32, -33, -128, -129, -32_768,
  -32_769, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), -(2 ** 31) - 1, 1.5, -2.25, 0.1,
  1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 63, 2 ** 64, 3.4028234663852886e38,
];
const NAMES = ["a", "b", "0", "12", "", "ключ", "_placeholder", "num", "__proto__", "data", "\udbff"];

/** Any argument; binary too, unless told otherwise. */
export function value(random, depth = 3, binary = true) {
  const kind = random.below(depth > 0 ? 10 : 7);
  switch (kind) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return (random.below(2 ** 32) - 2 ** 31) / random.pick([1, 1, 3, 1024]);
    case 6:
      return binary ? random.bytes(random.below(6)) : random.pick(STRINGS);
    case 7:
      return list(random, () => value(random, depth - 1, binary));
    case 8:
    case 9: {
      const members = list(random, () => [random.pick(NAMES), value(random, depth - 1, binary)]);
      return Object.fromEntries(members);
    }
    default:
      return random.pick(STRINGS);
  }
}

function list(random, make) {
  return Array.from({ length: random.below(4) }, make);
}

/** A Socket.IO packet as an application sends it. */
export function packet(random, { binary = true } = {}) {
  const type = random.pick([0, 1, 2, 2, 2, 2, 3, 3, 4]);
  const nsp = random.pick(["/", "/", "/chat", "/a-b/7", "/ключ", "/chat?token=x"]);
  const args = list(random, () => value(random, 3, binary));
  const ids = [undefined, 0, 7, 12_345, 2 ** 53 - 1];
  switch (type) {
    case 0:
      return { type, nsp, data: random.pick([undefined, Object(value(random, 2, false))]) };
    case 1:
      return { type, nsp };
    case 2:
      return { type, nsp, id: random.pick(ids), data: [random.pick([...STRINGS, 7, -1]), ...args] };
    case 3:
      return { type, nsp, id: random.pick(ids.slice(1)), data: args };
    default:
      return { type, nsp, data: random.pick([{ message: "no" }, "no"]) };
  }
}

const LETTERS = [..."0123456789-+,/?[]{}\":\\ .eEbtfnu_\t\n\u001e\u00a0é🦀"];
const WORDS = [
  "{\"_placeholder\":true,\"num\":0}", "{\"num\":0,\"_placeholder\":true}",
  "{\"_placeholder\":true,\"num\":1}", "{\"_placeholder\":false,\"num\":0}", "\"_placeholder\":true",
  "\"num\":0", "\\u005f", "\\ud800", "\\udc00", "1e400", "-0", "1.0", "1e3", "00", "true", "null",
  "[\"e\"]", "\"connect\"", "51-", "52-", "/chat,", "/,", "?a=b", "99999999999999999999", "\u001e",
  "9007199254740993", "18446744073709551615", "18446744073709551616", "b4AAA=", "bAAA", "0x1", "1:",
  "3:4é", "2:", "[".repeat(130), "]".repeat(130), "\\n", "\ufeff", "{\"__proto__\":{\"a\":1}}",
];
const BYTES = [
  0x00, 0x01, 0x02, 0x04, 0x09, 0x0a, 0x1e, 0x2f, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x92, 0xa0, 0xa1,
  0xbf, ...Array.from({ length: 32 }, (_, i) => 0xc0 + i), 0xe0, 0xed, 0xff,
];

/** The text with one to three changes. */
export function bend(random, text) {
  let units = [...text];
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(units.length + 1);
    // Changes near the front hit the header.
    const place = random.chance(2) ? Math.min(at, random.below(8)) : at;
    const piece = random.chance(3) ? random.pick(WORDS) : random.pick(LETTERS);
    const length = random.below(3);
    switch (random.below(5)) {
      case 0:
        units.splice(place, 0, ...piece);
        break;
      case 1:
        units.splice(place, 1, ...piece);
        break;
      case 2:
        units.splice(place, 1 + length);
        break;
      case 3:
        units.splice(place, 0, ...units.slice(at, at + 1 + 4 * length));
        break;
      default:
        units = random.chance(4) ? units.slice(0, place) : [...units, ...piece];
    }
  }
  return units.join("").toWellFormed();
}

/** The bytes with one to three changes. */
export function bendBytes(random, bytes) {
  let changed = Buffer.from(bytes);
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(changed.length + 1);
    const byte = Buffer.from([random.chance(2) ? random.pick(BYTES) : random.below(256)]);
    const [before, rest] = [changed.subarray(0, at), changed.subarray(at)];
    const kinds = [
      [before, byte, rest],
      [before, byte, rest.subarray(1)],
      [before, rest.subarray(1 + random.below(4))],
      [before, rest.subarray(0, 4), rest],
      random.chance(4) ? [before] : [before, byte, rest.subarray(1)],
    ];
    changed = Buffer.concat(random.pick(kinds));
  }
  return changed;
}

/** The inputs that a fuzz target begins with. */
export function seeds(target) {
  const folder = path.join(SEEDS, target);
  return readdirSync(folder).sort().map((name) => readFileSync(path.join(folder, name)));
}

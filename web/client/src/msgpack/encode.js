// Values as MessagePack, in the forms that npm's `socket.io-msgpack-parser` chooses.

import { bytesOf, byteLength, isBinary, isBlob, utf8Length } from "../bytes.js";

/** Levels of arrays and maps, the packet itself among them: as many as a Rialto server reads. */
export const MAX_DEPTH = 128;

/** Room for what most packets are. */
const FIRST_CAPACITY = 256;

/** The tag that holds a small number itself, the numbers that it can hold, and tags by width. */
const UINT = { small: 0x00, below: 0x80, tags: [0xcc, 0xcd, 0xce] };
const STRING = { small: 0xa0, below: 0x20, tags: [0xd9, 0xda, 0xdb] };
const BINARY = { small: 0x00, below: 0, tags: [0xc4, 0xc5, 0xc6] };
const ARRAY = { small: 0x90, below: 0x10, tags: [undefined, 0xdc, 0xdd] };
const MAP = { small: 0x80, below: 0x10, tags: [undefined, 0xde, 0xdf] };

const utf8 = new TextEncoder();

/**
 * One value as MessagePack.
 *
 * Integers take their shortest form up to 64 bits, all other numbers are doubles; a `BigInt` is an
 * integer. Bytes are `bin`, exactly those of a view; a `Date` is an extension that Node's parser
 * reads as one, `undefined` another. Objects are maps of their own enumerable members without the
 * functions, or what their `toJSON()` gives.
 *
 * @param {unknown} value
 * @returns {ArrayBuffer | Blob} a `Blob` if the value holds one, because it cannot be read at once
 * @throws {TypeError} on a function outside of an object, and on a symbol
 * @throws {RangeError} on more than `MAX_DEPTH` levels (or a cycle), on a `BigInt` beyond 64 bits,
 *   and on bytes beyond 4 GiB
 */
export function encode(value) {
  const writer = new Writer();
  writer.write(value, MAX_DEPTH);
  return writer.finish();
}

class Writer {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Blobs, and the bytes that stand before each of them. */
  #parts = [];

  finish() {
    const bytes = this.#cut();
    return this.#parts.length === 0 ? bytes.buffer : new Blob([...this.#parts, bytes]);
  }

  /**
   * @param {unknown} value
   * @param {number} depth how many levels may still be opened
   * @param {boolean} [asked] whether the value came from a `toJSON()`: it is not asked again
   */
  write(value, depth, asked = false) {
    switch (typeof value) {
      case "string":
        this.#string(value);
        break;
      case "number":
        this.#number(value);
        break;
      case "bigint":
        this.#bigint(value);
        break;
      case "boolean":
        this.#byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this.#extension(0xd4, 1);
        break;
      case "object":
        this.#object(value, depth, asked);
        break;
      default:
        throw new TypeError(`MessagePack has no form for a ${typeof value}`);
    }
  }

  #object(value, depth, asked) {
    if (value === null) this.#byte(0xc0);
    else if (value instanceof Date) this.#date(value);
    else if (isBinary(value)) this.#binary(value);
    else if (!asked && typeof value.toJSON === "function") this.write(value.toJSON(), depth, true);
    else if (depth === 0) throw new RangeError(`more than ${MAX_DEPTH} levels, or a cycle`);
    else if (Array.isArray(value)) this.#array(value, depth - 1);
    else this.#map(value, depth - 1);
  }

  #array(values, depth) {
    this.#head(ARRAY, values.length);
    // By index: holes are `undefined`, and `forEach` would leave them out.
    for (let i = 0; i < values.length; i++) this.write(values[i], depth);
  }

  #map(value, depth) {
    // Read once: a getter may give something else the next time.
    const members = Object.entries(value).filter(([, member]) => typeof member !== "function");
    this.#head(MAP, members.length);
    for (const [name, member] of members) {
      this.#string(name);
      this.write(member, depth);
    }
  }

  #string(text) {
    const length = utf8Length(text);
    this.#head(STRING, length);
    const start = this.#reserve(length);
    utf8.encodeInto(text, this.#bytes.subarray(start, start + length));
  }

  #binary(binary) {
    this.#head(BINARY, byteLength(binary));
    if (isBlob(binary)) {
      this.#parts.push(this.#cut(), binary);
      return;
    }
    const bytes = bytesOf(binary);
    const start = this.#reserve(bytes.length);
    this.#bytes.set(bytes, start);
  }

  #date(date) {
    const time = date.getTime();
    // An invalid date is null in JSON, too.
    if (Number.isNaN(time)) {
      this.#byte(0xc0);
      return;
    }
    this.#extension(0xd7, 8);
    this.#wide(this.#length - 8, time);
  }

  /** An extension of type 0, its content still zeros. */
  #extension(tag, length) {
    this.#byte(tag);
    this.#byte(0);
    const start = this.#reserve(length);
    this.#bytes.fill(0, start, start + length);
  }

  #number(value) {
    if (!Number.isInteger(value) || value >= 2 ** 64 || value < -(2 ** 63)) {
      const start = this.#reserve(9);
      this.#view.setUint8(start, 0xcb);
      this.#view.setFloat64(start + 1, value);
    } else if (value >= 2 ** 32) {
      this.#integer(0xcf, value);
    } else if (value >= 0) {
      this.#head(UINT, value);
    } else {
      this.#negative(value);
    }
  }

  #negative(value) {
    if (value >= -0x20) {
      this.#byte(value);
    } else if (value >= -0x80) {
      this.#byte(0xd0);
      this.#byte(value);
    } else if (value >= -0x8000) {
      const start = this.#reserve(3);
      this.#view.setUint8(start, 0xd1);
      this.#view.setInt16(start + 1, value);
    } else if (value >= -(2 ** 31)) {
      const start = this.#reserve(5);
      this.#view.setUint8(start, 0xd2);
      this.#view.setInt32(start + 1, value);
    } else {
      this.#integer(0xd3, value);
    }
  }

  #bigint(value) {
    const number = Number(value);
    if (Number.isSafeInteger(number)) {
      this.#number(number);
      return;
    }
    if (value >= 2n ** 64n || value < -(2n ** 63n)) throw new RangeError("a BigInt beyond 64 bits");
    const start = this.#reserve(9);
    this.#view.setUint8(start, value < 0n ? 0xd3 : 0xcf);
    // Takes the number modulo 2^64, which is its two's complement.
    this.#view.setBigUint64(start + 1, value);
  }

  #integer(tag, value) {
    const start = this.#reserve(9);
    this.#view.setUint8(start, tag);
    this.#wide(start + 1, value);
  }

  /** A whole number in 64 bits; the setters take each half modulo 2^32. */
  #wide(at, value) {
    this.#view.setUint32(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, value);
  }

  /** A number that is not negative, in the shortest of the forms that the tags name. */
  #head({ small, below, tags: [tag8, tag16, tag32] }, number) {
    if (number < below) {
      this.#byte(small | number);
    } else if (tag8 !== undefined && number < 0x100) {
      this.#byte(tag8);
      this.#byte(number);
    } else if (number < 0x10000) {
      const start = this.#reserve(3);
      this.#view.setUint8(start, tag16);
      this.#view.setUint16(start + 1, number);
    } else if (number < 2 ** 32) {
      const start = this.#reserve(5);
      this.#view.setUint8(start, tag32);
      this.#view.setUint32(start + 1, number);
    } else {
      throw new RangeError("MessagePack holds at most 4 GiB in one value");
    }
  }

  #byte(value) {
    const start = this.#reserve(1);
    this.#bytes[start] = value;
  }

  /** Makes room at the end, and says where it starts. */
  #reserve(count) {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }

  /** What has been written since the last cut. */
  #cut() {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}

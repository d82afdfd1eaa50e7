// MessagePack as values, as npm's `socket.io-msgpack-parser` reads them.

import { bytesOf } from "../bytes.js";
import { MAX_DEPTH } from "./encode.js";

/** A byte order mark is part of a text, as in JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The one value of a message.
 *
 * All integers are numbers, rounded beyond 2^53 as in JSON. `bin` is an `ArrayBuffer`, and so is
 * an extension of type 0 with a length of its own: Node's parser writes array buffers so. Type 0 in
 * one byte is `undefined`, in eight a `Date`; any other extension is `[type, ArrayBuffer]`.
 *
 * @param {ArrayBuffer | ArrayBufferView} message
 * @returns {unknown}
 * @throws {Error} on what is no MessagePack, is cut off, goes on behind the value, is no UTF-8,
 *   has other keys than strings and numbers, or is nested more than `MAX_DEPTH` levels deep.
 *   Memory follows the bytes that are there, not the lengths that are announced.
 */
export function decode(message) {
  const reader = new Reader(bytesOf(message));
  const value = reader.read(MAX_DEPTH);
  if (reader.left > 0) throw new Error(`${reader.left} bytes behind the value`);
  return value;
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left() {
    return this.#bytes.length - this.#at;
  }

  /** @param {number} depth how many levels may still be opened */
  read(depth) {
    const tag = this.#uint(0);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 0x0f, depth);
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth);
    if (tag < 0xc0) return this.#text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    return this.#tagged(tag, depth);
  }

  /** In each family, the tags follow each other as the widths double. */
  #tagged(tag, depth) {
    if (tag < 0xc4) return this.#constant(tag);
    if (tag < 0xc7) return this.#binary(this.#uint(tag - 0xc4));
    if (tag < 0xca) return this.#extension(this.#uint(tag - 0xc7), false);
    if (tag === 0xca) return this.#view.getFloat32(this.#take(4));
    if (tag === 0xcb) return this.#view.getFloat64(this.#take(8));
    if (tag < 0xd0) return this.#uint(tag - 0xcc);
    if (tag < 0xd4) return this.#int(tag - 0xd0);
    if (tag < 0xd9) return this.#extension(1 << (tag - 0xd4), true);
    if (tag < 0xdc) return this.#text(this.#uint(tag - 0xd9));
    if (tag < 0xde) return this.#array(this.#uint(tag - 0xdb), depth);
    return this.#map(this.#uint(tag - 0xdd), depth);
  }

  #constant(tag) {
    if (tag === 0xc1) throw new Error("a byte that MessagePack reserves");
    return tag === 0xc0 ? null : tag === 0xc3;
  }

  /** A number of 2^power bytes. */
  #uint(power) {
    const at = this.#take(1 << power);
    if (power === 0) return this.#view.getUint8(at);
    if (power === 1) return this.#view.getUint16(at);
    if (power === 2) return this.#view.getUint32(at);
    return this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  /** The same, with a sign. */
  #int(power) {
    const at = this.#take(1 << power);
    if (power === 0) return this.#view.getInt8(at);
    if (power === 1) return this.#view.getInt16(at);
    if (power === 2) return this.#view.getInt32(at);
    return this.#view.getInt32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  #text(length) {
    const start = this.#take(length);
    return utf8.decode(this.#bytes.subarray(start, start + length));
  }

  #binary(length) {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length).buffer;
  }

  #extension(length, fixed) {
    const type = this.#int(0);
    if (type === 0 && fixed && length === 1) {
      this.#take(1);
      return undefined;
    }
    if (type === 0 && fixed && length === 8) return new Date(this.#int(3));
    const content = this.#binary(length);
    return type === 0 && !fixed ? content : [type, content];
  }

  #array(length, depth) {
    const below = deeper(depth);
    const values = [];
    for (let i = 0; i < length; i++) values.push(this.read(below));
    return values;
  }

  #map(length, depth) {
    const below = deeper(depth);
    const members = [];
    for (let i = 0; i < length; i++) members.push([this.#key(below), this.read(below)]);
    // Makes members of its own, also of the name `__proto__`.
    return Object.fromEntries(members);
  }

  #key(depth) {
    const key = this.read(depth);
    if (typeof key === "string" || typeof key === "number") return String(key);
    throw new Error("a key that is neither a string nor a number");
  }

  /** Passes over so many bytes, and says where they start. */
  #take(count) {
    if (count > this.left) throw new Error("the message is cut off");
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

function deeper(depth) {
  if (depth === 0) throw new Error(`more than ${MAX_DEPTH} levels`);
  return depth - 1;
}

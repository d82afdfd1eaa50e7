// Socket.IO 5 packets: text with placeholders, and the bytes that follow
// (Socket.IO protocol, revision 5).

import { isBinary } from "./bytes.js";
import { Emitter } from "./emitter.js";

/** Revision of the Socket.IO protocol. */
export const protocol = 5;

export const PacketType = Object.freeze({
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
});

/** How many binary values one packet may have; more close the connection at a Node server. */
const MAX_ATTACHMENTS = 10;

/** Events that the client itself emits: neither side may send them. */
export const RESERVED_EVENTS = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/**
 * @typedef {object} Packet
 * @property {number} type of `PacketType`; the binary types only appear on the wire
 * @property {string} nsp namespace
 * @property {number} [id] of the acknowledgement asked for or given
 * @property {unknown} [data] arguments of an event or ack, payload of the others
 */

const BINARY_FORM = new Map([
  [PacketType.EVENT, PacketType.BINARY_EVENT],
  [PacketType.ACK, PacketType.BINARY_ACK],
]);

export class Encoder {
  #maxAttachments;

  constructor({ maxAttachments = MAX_ATTACHMENTS } = {}) {
    this.#maxAttachments = maxAttachments;
  }

  /**
   * @param {Packet} packet
   * @returns {(string | ArrayBuffer | ArrayBufferView | Blob)[]} a text and the bytes after it
   * @throws {RangeError} on more binary values than a packet may have
   * @throws {TypeError} on what JSON cannot hold: a cycle, a `BigInt`
   */
  encode({ type, nsp, id, data }) {
    const attachments = [];
    const binaryType = BINARY_FORM.get(type);
    const json =
      data === undefined
        ? ""
        : JSON.stringify(data, binaryType && replaceBinary(attachments, this.#maxAttachments));
    const head = attachments.length > 0 ? `${binaryType}${attachments.length}-` : `${type}`;
    const room = nsp === "/" ? "" : `${nsp},`;
    return [`${head}${room}${id ?? ""}${json}`, ...attachments];
  }
}

/** A replacer for `JSON.stringify` that puts placeholders where bytes were. */
function replaceBinary(attachments, limit) {
  return function replace(key, value) {
    // Not `value`: a Buffer has become its `toJSON()` there.
    const original = this[key];
    if (!isBinary(original)) return value;
    if (attachments.length === limit) {
      throw new RangeError(`a packet may have at most ${limit} binary values`);
    }
    attachments.push(original);
    return { _placeholder: true, num: attachments.length - 1 };
  };
}

/** Texts and bytes in, whole packets out as `decoded` events. Throws on what is no packet. */
export class Decoder extends Emitter {
  #maxAttachments;
  /** The packet whose bytes are still to come, with `count` and what came. */
  #partial = null;

  constructor({ maxAttachments = MAX_ATTACHMENTS } = {}) {
    super();
    this.#maxAttachments = maxAttachments;
  }

  /**
   * @param {string | ArrayBuffer} message
   * @throws {Error} on a malformed packet; the connection cannot go on then
   */
  add(message) {
    if (typeof message === "string") this.#addText(message);
    else this.#addBytes(message);
  }

  /** Forgets the packet that waits for its bytes. */
  destroy() {
    this.#partial = null;
  }

  #addText(text) {
    if (this.#partial) throw new Error("text came where bytes were due");
    const { count, packet } = decodeText(text, this.#maxAttachments);
    if (count > 0) this.#partial = { packet, count, attachments: [] };
    else this.emitLocal("decoded", packet);
  }

  #addBytes(bytes) {
    const partial = this.#partial;
    if (!partial) throw new Error("bytes came where none were due");
    partial.attachments.push(bytes);
    if (partial.attachments.length < partial.count) return;
    this.#partial = null;
    partial.packet.data = restoreBinary(partial.packet.data, partial.attachments);
    this.emitLocal("decoded", partial.packet);
  }
}

const HEAD_FORM = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?/;

/** Reads `type[count-][/nsp,][id][json]`. */
function decodeText(text, maxAttachments) {
  const head = HEAD_FORM.exec(text) ?? reject("unknown packet type");
  const binary = head[1] === "5" || head[1] === "6";
  if (binary !== (head[2] !== undefined)) reject("a count of attachments is missing or too much");
  const count = Number(head[2] ?? 0);
  if (count > maxAttachments) reject(`more than ${maxAttachments} attachments`);
  const packet = { type: binary ? Number(head[1]) - 3 : Number(head[1]), nsp: head[3] ?? "/" };
  if (head[4] !== undefined) packet.id = Number(head[4]);
  const json = text.slice(head[0].length);
  if (json !== "") packet.data = JSON.parse(json);
  if (!isPayload(packet)) reject("invalid payload");
  return { count, packet };
}

function reject(reason) {
  throw new Error(`invalid Socket.IO packet: ${reason}`);
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a packet of a known type has what that type needs. */
export function isPayload({ type, id, data }) {
  switch (type) {
    case PacketType.CONNECT:
      return data === undefined || isObject(data);
    case PacketType.DISCONNECT:
      return data === undefined;
    case PacketType.CONNECT_ERROR:
      return typeof data === "string" || isObject(data);
    case PacketType.ACK:
      return Number.isSafeInteger(id) && Array.isArray(data);
    default:
      return isEvent(data) && (id === undefined || Number.isSafeInteger(id));
  }
}

function isEvent(data) {
  if (!Array.isArray(data)) return false;
  const name = data[0];
  return typeof name === "number" || (typeof name === "string" && !RESERVED_EVENTS.has(name));
}

/** Puts the bytes where the placeholders are; the values are fresh from `JSON.parse`. */
function restoreBinary(value, attachments) {
  if (typeof value !== "object" || value === null) return value;
  if (value._placeholder === true) {
    const valid = Number.isInteger(value.num) && value.num >= 0 && value.num < attachments.length;
    return valid ? attachments[value.num] : reject("a placeholder without attachment");
  }
  for (const key of Object.keys(value)) {
    const before = value[key];
    const after = restoreBinary(before, attachments);
    // The key is the object's own, so `__proto__` is an ordinary property here.
    if (after !== before) value[key] = after;
  }
  return value;
}

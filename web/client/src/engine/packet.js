// Engine.IO 4 packets as text, and payloads of long-polling
// (Engine.IO protocol, revision 4: "Packet encoding").

import { byteLength, fromBase64, isBinary, toBase64, utf8Length } from "../bytes.js";

const NAMES = Object.freeze(["open", "close", "ping", "pong", "message", "upgrade", "noop"]);
const CODES = new Map(NAMES.map((name, code) => [name, String(code)]));

/** Stands between the packets of one HTTP body. */
const SEPARATOR = "\x1e";

/**
 * One packet: `data` is a text, bytes (only of a message), or absent.
 *
 * @typedef {object} Packet
 * @property {"open"|"close"|"ping"|"pong"|"message"|"upgrade"|"noop"} type
 * @property {string | ArrayBuffer | ArrayBufferView} [data]
 */

/** A packet as text: the digit of its type and its data, or `b` and base64 for bytes. */
export function encodeText({ type, data }) {
  if (isBinary(data)) return `b${toBase64(data)}`;
  return CODES.get(type) + (data ?? "");
}

/**
 * The packet of a text.
 *
 * @param {string} text
 * @returns {Packet}
 * @throws {Error} when the type is unknown or the base64 is not valid
 */
export function decodeText(text) {
  if (text.startsWith("b")) return { type: "message", data: fromBase64(text.slice(1)) };
  // Only a digit of the table: `NAMES["length"]` or the like is out of reach.
  const type = /^[0-6]/.test(text) ? NAMES[text.charCodeAt(0) - 48] : undefined;
  if (!type) throw new Error("unknown Engine.IO packet type");
  return text.length > 1 ? { type, data: text.slice(1) } : { type };
}

/** Length in bytes that a packet takes in an HTTP body, without a separator. */
export function encodedLength({ data }) {
  if (data === undefined || data === null) return 1;
  if (typeof data === "string") return 1 + utf8Length(data);
  return 1 + Math.ceil(byteLength(data) / 3) * 4;
}

/** The body of a POST. */
export function encodePayload(packets) {
  return packets.map(encodeText).join(SEPARATOR);
}

/** The texts of the packets in the answer to a poll. */
export function splitPayload(body) {
  return body.split(SEPARATOR);
}

/**
 * How many packets of a queue fit into one body; at least one, because a packet cannot be cut
 * (the server then says what it thinks of its size).
 *
 * @param {Packet[]} packets
 * @param {number} limit bytes that the server takes, its `maxPayload`
 */
export function countFitting(packets, limit) {
  let total = 0;
  for (let i = 0; i < packets.length; i++) {
    total += encodedLength(packets[i]) + (i > 0 ? SEPARATOR.length : 0);
    if (i > 0 && total > limit) return i;
  }
  return packets.length;
}

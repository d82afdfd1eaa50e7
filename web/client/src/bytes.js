// Binary values in all forms that an application may hand over, and base64.

const tagOf = (value) => Object.prototype.toString.call(value);

/** Whether a value is a `Blob` or a `File`, also one of another realm (a frame). */
export function isBlob(value) {
  if (typeof value !== "object" || value === null) return false;
  const tag = tagOf(value);
  return tag === "[object Blob]" || tag === "[object File]";
}

/** Whether a value travels as bytes: `ArrayBuffer`, any view on one (`Buffer` too), `Blob`. */
export function isBinary(value) {
  if (typeof value !== "object" || value === null) return false;
  return (
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    tagOf(value) === "[object ArrayBuffer]" ||
    isBlob(value)
  );
}

/** Length in bytes of a binary value. */
export function byteLength(binary) {
  return isBlob(binary) ? binary.size : binary.byteLength;
}

/** The bytes of an `ArrayBuffer` or a view, without a copy. */
export function bytesOf(binary) {
  return ArrayBuffer.isView(binary)
    ? new Uint8Array(binary.buffer, binary.byteOffset, binary.byteLength)
    : new Uint8Array(binary);
}

/** Length in bytes of a string in UTF-8. A lone surrogate counts three, as U+FFFD does. */
export function utf8Length(text) {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      length += 2;
      const pair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
      // A pair is two units and four bytes: its second unit adds nothing more.
      if (pair) i++;
    }
  }
  return length;
}

/** Arguments of one `fromCharCode` call: engines limit how many a call may have. */
const CHUNK = 0x2000;

/** Base64 of an `ArrayBuffer` or a view. */
export function toBase64(binary) {
  const bytes = bytesOf(binary);
  if (typeof bytes.toBase64 === "function") return bytes.toBase64();
  let units = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    units += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(units);
}

/**
 * The bytes of a base64 text.
 *
 * @param {string} text
 * @returns {ArrayBuffer}
 * @throws {Error} when the text is not base64
 */
export function fromBase64(text) {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text).buffer;
  const units = atob(text);
  const bytes = new Uint8Array(units.length);
  for (let i = 0; i < units.length; i++) bytes[i] = units.charCodeAt(i);
  return bytes.buffer;
}

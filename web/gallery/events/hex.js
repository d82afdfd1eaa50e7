// Bytes for people: two hexadecimal digits each, and the printable ones again as letters.

const PER_LINE = 16;
const SHOWN_MAX = 128;

/** "00 01 7f" as bytes; throws a readable error for anything else. */
export function parseHex(text) {
  const digits = text.replace(/[\s,]+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new Error("bytes are pairs of the digits 0-9 and a-f, for example 00 7f ff");
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** At most the first 128 bytes, 16 on a line. */
export function dump(data) {
  const all = new Uint8Array(data);
  const lines = [];
  for (let at = 0; at < Math.min(all.length, SHOWN_MAX); at += PER_LINE) {
    const part = [...all.subarray(at, at + PER_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const letters = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "."));
    lines.push(`${hex.padEnd(PER_LINE * 3)} ${letters.join("")}`);
  }
  if (all.length > SHOWN_MAX) lines.push(`… and ${all.length - SHOWN_MAX} more`);
  return lines.join("\n");
}

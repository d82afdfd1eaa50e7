// Where our decoder of Socket.IO packets differs from npm's on purpose. A rule says what both make of a case, as
// narrowly as it can, and carries examples: one that is never met fails the test.
//
// `npm` and `our` are the steps at which the two part, `text` is the message that made them, and
// `messages` are all up to it.

import { Decoder } from "socket.io-parser";
import { canonical, canonicalOurs, sameHead } from "./differential-peers.mjs";


/** What npm reads of a packet's text, before its attachments come. */
function peek(text) {
  try {
    return new Decoder().decodeString(text);
  } catch {
    return undefined;
  }
}

/** Everything inside a value, itself included. */
function parts(value) {
  const inner = value && typeof value === "object" ? Object.values(value).flatMap(parts) : [];
  return [value, ...inner];
}

function placeholders(packet) {
  return parts(packet?.data).filter((part) => part?._placeholder === true);
}

/** Whether npm would find an attachment for it. */
function names({ num }, { attachments }) {
  return typeof num === "number" && num >= 0 && num < attachments;
}

/** The two spellings of a placeholder that are taken, with JSON's white space. */
const STRICT =
  /\{\s*(?:"_placeholder"\s*:\s*true\s*,\s*"num"\s*:\s*\d+|"num"\s*:\s*\d+\s*,\s*"_placeholder"\s*:\s*true)\s*\}/g;

function depth(value) {
  if (!value || typeof value !== "object") {
    return 0;
  }
  return 1 + Math.max(0, ...Object.values(value).map(depth));
}

const same = (npm, our) => canonical(npm?.data) === canonicalOurs(our.data);

export const SOCKETIO = [
  {
    name: "an event or ack without its array is refused",
    examples: [["2"], ["2/chat,7"], ["37"], ["51-"], ["2/chat"]],
    met({ text, our }) {
      const packet = peek(text);
      return our.error === "InvalidPayload" && packet?.type > 1 && packet.data === undefined;
    },
  },
  {
    name: "an id is refused where none may be",
    examples: [["07{}"], ["1/chat,7"], ["47\"no\""], ["00 0"]],
    met({ text, our }) {
      const packet = peek(text);
      return our.error === "InvalidAckId" && [0, 1, 4].includes(packet?.type) && "id" in packet;
    },
  },
  {
    name: "an ack without an id is refused",
    examples: [["3[]"], ["61-/chat,[]"]],
    met({ text, our }) {
      return our.error === "MissingAckId" && peek(text)?.id === undefined;
    },
  },
  {
    name: "an id beyond 64 bits is refused",
    examples: [["218446744073709551616[\"e\"]"], ["318446744073709551616 1[]"]],
    met({ text, our }) {
      const digits = /^[0-6](?:\d+-)?(?:\/[^,]*,)?(\d+)/.exec(text)?.[1] ?? "0";
      return our.error === "InvalidAckId" && BigInt(digits) >= 2n ** 64n;
    },
  },
  {
    name: "a number of attachments is digits alone",
    examples: [["5 1-[\"e\"]"], ["51.0-[\"e\"]"], ["61e0-7[]"], ["50x1-[\"e\"]"]],
    met: ({ text, our }) =>
      our.error === "InvalidAttachmentCount" &&
      !/^[56]\d+-/.test(text) &&
      peek(text)?.attachments > 0,
  },
  {
    name: "nothing, or white space, is no packet type",
    examples: [[""], ["\n"], [" {}"], ["\u00a0"]],
    met: ({ text, our }) =>
      /^(\s|$)/.test(text) &&
      ["EmptyPacket", "UnknownPacketType"].includes(our.error),
  },
  {
    name: "white space in front of the payload is refused, where npm takes it for an id",
    examples: [["2 [\"e\"]"], ["0/chat,\t{}"], ["27 [\"e\"]"], ["2\u00a07[\"e\"]"], ["1 "]],
    met: ({ text, our }) =>
      ["InvalidPayload", "InvalidJson", "MissingAckId"].includes(our.error) &&
      /^[0-6](\d+-)?(\/[^,]*,)?\d*\s/.test(text) &&
      peek(text)?.id !== undefined,
  },
  {
    name: "a payload of more than 127 levels is refused",
    examples: [[`2["e",${"[".repeat(127)}${"]".repeat(127)}]`]],
    met: ({ text, our }) =>
      our.error === "TooDeep" && depth(peek(text)?.data) > 127,
  },
  {
    name: "a namespace of more than 1024 bytes is refused",
    examples: [[`0/${"n".repeat(1024)},`]],
    met: ({ text, our }) =>
      our.error === "NamespaceTooLong" &&
      Buffer.byteLength(peek(text)?.nsp ?? "") > 1024,
  },
  {
    name: "what stands behind a ? is no part of the namespace's name",
    examples: [["0/chat?token=x,{\"a\":1}"], ["2/chat?x,7[\"e\"]"]],
    met({ npm, our }) {
      const nsp = npm.packet?.nsp.split("?")[0];
      return (
        npm.packet?.nsp.includes("?") &&
        sameHead({ packet: { ...npm.packet, nsp } }, our) &&
        same(npm.packet, our)
      );
    },
  },
  {
    name: "a placeholder without its attachment is refused before the attachments come",
    examples: [["51-[\"e\",{\"_placeholder\":true,\"num\":1}]", Buffer.from("a")]],
    met({ text, npm, our }) {
      const packet = peek(text);
      const lost = placeholders(packet).some((one) => !names(one, packet));
      return our.error === "InvalidPlaceholder" && npm.waits && lost;
    },
  },
  {
    name: "an attachment that is named twice is refused",
    examples: [[`51-["e"${",{\"_placeholder\":true,\"num\":0}".repeat(2)}]`, Buffer.from("a")]],
    met({ text, npm, our }) {
      const numbers = placeholders(peek(text)).map(({ num }) => num);
      return our.error === "InvalidPlaceholder" && npm.waits && new Set(numbers).size < numbers.length;
    },
  },
  {
    name: "a placeholder has its two members and nothing else, its number in digits",
    examples: [
      ["51-[\"e\",{\"_placeholder\":true,\"num\":0,\"x\":1}]"],
      ["51-[\"e\",{\"_placeholder\":true,\"num\":0.0}]"],
      ["51-[\"e\",{\"num\":0,\"_placeholder\":true,\"num\":0}]"],
      ["51-[\"e\",{\"_placeholder\":true}]"],
    ],
    met({ text, npm, our }) {
      if (our.error !== "InvalidPlaceholder" || !npm.waits) {
        return false;
      }
      const found = text.match(/"_placeholder"\s*:\s*true/g)?.length ?? 0;
      return (text.match(STRICT)?.length ?? 0) < found;
    },
  },
  {
    name: "a placeholder that is spelled with escapes is an object like any other",
    examples: [["51-[\"e\",{\"\\u005fplaceholder\":true,\"num\":0}]", Buffer.from("a")]],
    met({ messages, npm, our }) {
      const text = messages[0];
      const sought = placeholders(peek(text)).length;
      const literal = text.match(/"_placeholder"\s*:\s*true/g)?.length ?? 0;
      const escaped = /"[^"]*\\u[^"]*"\s*:/.test(text) && sought > literal;
      return escaped && (npm.error === "illegal attachments" || sameHead(npm, our));
    },
  },
  {
    name: "a number beyond all floats is not delivered",
    examples: [["2[\"e\",1e400]"], ["2[1e400]"], ["0{\"a\":-1e999}"]],
    met: ({ npm, our }) =>
      our.undecoded?.includes("number out of range") &&
      parts(npm.packet?.data).some((part) => Math.abs(part) === Infinity),
  },
  {
    name: "an event's name that is a number keeps its spelling",
    examples: [["2[1.0]"], ["2[1e3,7]"], ["2[12345678901234567890]"], ["2[-0]"]],
    met({ npm, our }) {
      const name = npm.packet?.data?.[0];
      const other = typeof name === "number" && String(name) !== our.event;
      return other && sameHead(npm, our) && Number(our.event) === name && same(npm.packet, our);
    },
  },
];

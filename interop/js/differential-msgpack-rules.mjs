// Where our decoder of MessagePack differs from npm's on purpose; see differential-rules.mjs.
//
// `raw` is what npm reads of `body` before it checks that it is a packet.

import { canonical, canonicalOurs, notepack, sameHead } from "./differential-peers.mjs";

const event = (members) => notepack.encode({ type: 2, nsp: "/", data: ["e"], ...members });
/** An event with a value that is written by hand. */
const around = (...bytes) =>
  Buffer.concat([
    Buffer.from("\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e", "latin1"),
    Buffer.from(bytes),
  ]);
/** A packet whose type or id is written by hand. */
const led = (name, ...bytes) =>
  Buffer.concat([
    Buffer.from(`\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90${name}`, "latin1"),
    Buffer.from(bytes),
  ]);

export const MSGPACK = [
  {
    name: "null, and what becomes null, stands for nothing",
    examples: [
      led("\xa2id", 0xca, 0x7f, 0xc0, 0, 0),
      notepack.encode({ type: 0, nsp: "/", data: null }),
      notepack.encode({ type: 1, nsp: "/", data: null }),
      event({ id: null }),
    ],
    met: ({ raw, npm, our }) =>
      npm.error &&
      !our.error &&
      [raw.data, raw.id].some((one) => one !== undefined && canonical(one) === "null"),
  },
  {
    name: "the data of CONNECT_ERROR, which only servers send, is not looked at",
    examples: [notepack.encode({ type: 4, nsp: "/" })],
    met: ({ npm, our }) => npm.error === "invalid payload" && our.type === 4,
  },
  {
    name: "a namespace begins with /, holds no comma, and has at most 1024 bytes",
    examples: [event({ nsp: "" }), event({ nsp: "/a,b" }), event({ nsp: `/${"n".repeat(1024)}` })],
    met: ({ raw, our }) =>
      /namespace('s name is longer| has an invalid name)/.test(our.error) &&
      (!/^\/[^,]*$/s.test(raw.nsp) || Buffer.byteLength(raw.nsp) > 1024),
  },
  {
    name: "an id is an integer of 64 bits, not negative, written as one",
    examples: [event({ id: -1 }), led("\xa2id", 0xca, 0x40, 0, 0, 0)],
    met: ({ body, raw, our }) =>
      our.error === "invalid packet id" && (raw.id < 0 || body.includes(0xca) || body.includes(0xcb)),
  },
  {
    name: "a type is written as an integer",
    examples: [led("\xa4type", 0xca, 0x40, 0, 0, 0)],
    met: ({ body, our }) =>
      our.error === "unknown Socket.IO packet type" && (body.includes(0xca) || body.includes(0xcb)),
  },
  {
    name: "an ack without an id is refused",
    examples: [notepack.encode({ type: 3, nsp: "/", data: [] })],
    met: ({ raw, our }) =>
      our.error === "an ack without an id" && raw.type === 3 && raw.id === undefined,
  },
  {
    name: "an id is refused where none may be",
    examples: [notepack.encode({ type: 0, nsp: "/", id: 7 })],
    met: ({ raw, our }) =>
      our.error === "the ack id is out of range or out of place" &&
      [0, 1, 4].includes(raw.type) &&
      Number.isInteger(raw.id),
  },
  {
    name: "an event begins with its name, a string or a number",
    examples: [event({ data: [] }), event({ data: [{}] }), event({ data: [Buffer.from("a")] })],
    met: ({ raw, our }) =>
      our.error?.startsWith("the payload does not have the shape") &&
      raw.type === 2 &&
      (typeof raw.data[0] !== "string" && !Number.isFinite(raw.data[0])),
  },
  {
    name: "an event with a reserved name is refused",
    examples: [event({ data: ["disconnect"] }), event({ data: ["newListener"] })],
    met: ({ raw, our }) =>
      our.error === "the event has a reserved name" && /connect|Listener$/.test(raw.data[0]),
  },
  {
    name: "binary data is refused in CONNECT",
    examples: [notepack.encode({ type: 0, nsp: "/", data: { a: Buffer.from("a") } })],
    met: ({ raw, our }) => our.error === "binary where only JSON may be" && raw.type === 0,
  },
  {
    name: "a packet of more than 128 levels is refused, binary being one",
    examples: [
      around(...Array(127).fill(0x91), 0xc0),
      around(...Array(126).fill(0x91), 0xc4, 1, 7),
      around(...Array(126).fill(0x91), 0xd4, 5, 7),
    ],
    met: ({ our }) => our.error === "the payload is nested too deeply",
  },
  {
    name: "more than 1024 binary values are refused",
    examples: [event({ data: ["e", Array(1025).fill(Buffer.from("a"))] })],
    met: ({ our }) => our.error === "more binary values than the limit allows",
  },
  {
    name: "a member's name is a string",
    examples: [around(0x81, 0x07, 0xc0), around(0x81, 0xc0, 0xc0)],
    met: ({ our }) => our.error === "a map's key is not a string",
  },
  {
    name: "text that is not UTF-8 is refused",
    examples: [around(0xa1, 0xff), around(0xa3, 0xed, 0xa0, 0x80)],
    met: ({ body, our }) =>
      /utf-8/.test(our.error) && !Buffer.from(body.toString()).equals(body),
  },
  {
    name: "__proto__ is a name like any other",
    examples: [around(0x81, 0xa9, ...Buffer.from("__proto__"), 0x07)],
    met: ({ npm, our }) =>
      sameHead(npm, our) && canonical(npm.packet.data) === canonicalOurs(our.data, "__proto__"),
  },
];

// What two parsers made of a case, in a form that can be compared. Ours come from the program
// `parsers` (interop/parsers), npm's are called here.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import * as engine4 from "engine.io-parser";
import msgpack from "socket.io-msgpack-parser";
import * as socketio from "socket.io-parser";
import { program } from "./server.mjs";

const require = createRequire(import.meta.url);
/** A package as another one, named by its place here, depends on it. */
const of = (owner, name) => createRequire(require.resolve(owner))(name);

/** npm's parsers of Socket.IO packets, the newest first. */
export const GENERATIONS = [
  ["socket.io-parser 4.2", socketio],
  ["socket.io-parser 4.0", of("socket.io-client-3", "socket.io-parser")],
  ["socket.io-parser 3.3", of("socket.io-client-2", "socket.io-parser")],
  ["socket.io-parser 2.3", of("socket.io-client-1", "socket.io-parser")],
];
/** The parser of Engine.IO 3. */
export const engine3 = of("engine.io-client-3", "engine.io-parser");

/** A case on its way to our program; messages are strings and buffers. */
function line(parser, messages) {
  const wire = messages.map((message) =>
    typeof message === "string" ? { text: message } : { binary: message.toString("base64") },
  );
  return JSON.stringify({ parser, messages: wire });
}

/** What our decoders make of the cases. */
export function ours(parser, cases) {
  const input = cases.map((messages) => line(parser, messages)).join("\n");
  const options = { input, encoding: "utf8", maxBuffer: 2 ** 30, timeout: 100_000 };
  const { error, status, stdout, stderr } = spawnSync(program("parsers"), [], options);
  if (error || status !== 0) {
    throw new Error(`parsers ended with ${error ?? status}: ${stderr}`);
  }
  const answers = stdout.split("\n").slice(0, cases.length).map((text) => JSON.parse(text));
  return answers.map((steps) => steps.map(read));
}

/** A step of ours with its messages as strings and buffers. */
function read(step) {
  return { ...step, again: step.again?.map(message) };
}

function message({ text, binary }) {
  return text ?? Buffer.from(binary, "base64");
}

/** What npm's decoder makes of a connection's messages, up to the first that it refuses. */
export function npmPackets(parser, messages) {
  const decoder = new parser.Decoder();
  const steps = [];
  let step;
  decoder.on("decoded", (packet) => {
    step = { packet };
  });
  for (const message of messages) {
    step = { waits: true };
    try {
      decoder.add(message);
    } catch (error) {
      step = { error: error.message };
    }
    // The older ones hand over a packet of their own in place of an error.
    if (step.packet?.type === 4 && step.packet.data?.startsWith?.("parser error")) {
      step = { error: step.packet.data };
    }
    steps.push(step);
    if (step.error !== undefined) {
      break;
    }
  }
  return steps;
}

/** npm's parser of MessagePack, and what it reads before it checks that. */
export { msgpack };
export const notepack = of("socket.io-msgpack-parser", "notepack.io");

/** What npm's decoders make of a polling body: packets, and whether a fault ended them. */
export function npmBody(revision, body) {
  const packets = [];
  let fault = false;
  const take = (packet) => {
    if (packet.type === "error" || fault) {
      fault = true;
      return false;
    }
    packets.push(packet);
    return true;
  };
  if (revision === "engine4") {
    engine4.decodePayload(String(body)).forEach(take);
  } else {
    engine3.decodePayload(body, take);
  }
  return { packets, fault };
}

/**
 * Any value as text: equal texts are equal values. `note` hears of what npm's value has and ours
 * cannot have.
 */
export function canonical(value, note = () => {}) {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) {
        note("half a surrogate pair becomes U+FFFD");
      }
      return JSON.stringify(value.toWellFormed());
    case "number":
      if (!Number.isFinite(value)) {
        note("NaN and infinities become null");
        return "null";
      }
      return Object.is(value, -0) ? "-0" : String(value);
    case "undefined":
      note("undefined becomes null");
      return "null";
    case "boolean":
      return String(value);
    default:
      return value === null ? "null" : composed(value, note);
  }
}

function composed(value, note) {
  if (value instanceof Date) {
    note("a date becomes a string");
    return Number.isNaN(value.getTime()) ? "null" : JSON.stringify(value.toJSON());
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return `<${Buffer.from(value).toString("hex")}>`;
  }
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => canonical(item, note)).join()}]`;
  }
  return members(Object.entries(value).map(([name, item]) => [name, canonical(item, note)]), note);
}

/** Members in the order of their names; of two of one name the last counts. */
function members(entries, note = () => {}) {
  const byName = new Map(entries.map(([name, item]) => [canonical(name, note), item]));
  return `{${[...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join(":"))}}`;
}

/** The same of a value as our program writes it; `without` leaves out members of that name. */
export function canonicalOurs(value, without) {
  if (Array.isArray(value)) {
    return `[${value.map((item) => canonicalOurs(item, without)).join()}]`;
  }
  if (value === null || typeof value !== "object") {
    return canonical(value ?? null);
  }
  if (value.b !== undefined) {
    return `<${Buffer.from(value.b, "base64").toString("hex")}>`;
  }
  const kept = value.o.filter(([name]) => name !== without);
  return members(kept.map(([name, item]) => [name, canonicalOurs(item, without)]));
}

/** Whether both have read the same packet, but for its data. */
export function sameHead({ packet }, our) {
  return packet?.nsp === our.nsp && plain(packet.type) === our.type && packet.id === id(our);
}

/** The type without the difference that attachments make. */
export function plain(type) {
  return type > 4 ? type - 3 : type;
}

export function id(our) {
  return our.id === null ? undefined : Number(our.id);
}

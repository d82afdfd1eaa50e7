// Our decoders and npm's, on the same bytes: both read the same packet, or both refuse. Each place
// where we differ on purpose is a rule by name, and a rule that is never met fails the test. What
// our encoder makes of a packet that was read is given to npm's decoders, the older ones too.
//
// DIFFERENTIAL_CASES=100000 compares more (default 8000 for each parser), DIFFERENTIAL_SEED=7
// others; `parsers` (interop/parsers) lies beside the contract server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Encoder } from "socket.io-parser";
import { Random, bend, bendBytes, packet, seeds, value } from "./differential-cases.mjs";
import { ENGINE3, ENGINE4 } from "./differential-engine-rules.mjs";
import { MSGPACK } from "./differential-msgpack-rules.mjs";
import {
  GENERATIONS,
  canonical,
  canonicalOurs,
  engine3,
  id,
  msgpack,
  notepack,
  npmBody,
  npmPackets,
  ours,
  plain,
  sameHead,
} from "./differential-peers.mjs";
import { SOCKETIO } from "./differential-rules.mjs";
import * as engine4 from "engine.io-parser";

const CASES = Number(process.env.DIFFERENTIAL_CASES ?? 8000);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
/** Cases that are in memory at a time. */
const BATCH = 10_000;
/** Findings that are shown. */
const SHOWN = 8;

/** Counts what was compared, and keeps what nobody expects. */
class Report {
  compared = 0;
  accepted = 0;
  findings = [];
  #met = new Map();

  constructor(rules, notes) {
    this.rules = rules;
    notes.concat(rules.map(({ name }) => name)).forEach((name) => this.#met.set(name, 0));
  }

  note(name) {
    this.#met.set(name, (this.#met.get(name) ?? 0) + 1);
  }

  /** Two steps that are not the same: there is a rule, or it is a finding. */
  differ(step) {
    const rule = this.rules.find((one) => one.met(step));
    if (rule) {
      this.note(rule.name);
    } else {
      this.findings.push(step);
    }
  }

  check(t) {
    const shown = this.findings.slice(0, SHOWN).map((finding) => JSON.stringify(finding, printed));
    assert.equal(this.findings.length, 0, `seed ${SEED}:\n${shown.join("\n")}`);
    const unmet = [...this.#met].filter(([, count]) => count === 0);
    assert.deepEqual(unmet, [], "rules that were never met");
    assert.ok(this.accepted * 5 > this.compared, "few of the cases are packets at all");
    t.diagnostic(`${this.compared} cases, ${this.accepted} of them packets`);
    this.#met.forEach((count, name) => t.diagnostic(`${count} × ${name}`));
  }
}

function printed(name, item) {
  return item?.type === "Buffer" ? `<${Buffer.from(item.data).toString("hex")}>` : item;
}

/** Compares the examples of the rules, the seeds and made-up cases, one batch after the other. */
function run(t, parser, report, examples, make, compare) {
  const random = new Random(SEED);
  for (let left = CASES, first = true; left > 0; left -= BATCH, first = false) {
    const cases = Array.from({ length: Math.min(left, BATCH) }, () => make(random));
    const batch = first ? [...examples, ...cases] : cases;
    const answers = ours(parser, batch);
    batch.forEach((messages, index) => compare(report, messages, answers[index]));
    report.compared += batch.length;
  }
  report.check(t);
}

const encoders = GENERATIONS.map(([, parser]) => new parser.Encoder());

/** The messages in which one of npm's encoders writes a packet. */
function written(random) {
  for (;;) {
    const made = packet(random);
    // Older encoders write binary packets only when told, and refusals otherwise.
    const encoder = made.type > 1 && made.type < 4 ? random.pick(encoders.slice(0, 2)) : new Encoder();
    const messages = encoder.encode(made);
    if (messages.length <= 12) {
      return messages;
    }
  }
}

function connection(random) {
  const [text, ...attachments] = written(random);
  let messages = [random.chance(4) ? text.toWellFormed() : bend(random, text), ...attachments];
  if (random.chance(10)) {
    // Out of order, one too few, one too many.
    const [more] = [random.bytes(2), "2[\"e\"]"].filter(() => random.chance(2));
    messages = random.pick([messages.slice(1), messages.slice(0, -1), [...messages, more ?? "2"]]);
  }
  return messages.length > 0 ? messages : [text.toWellFormed()];
}

function comparePackets(report, messages, our) {
  const npm = npmPackets(GENERATIONS[0][1], messages);
  const index = npm.findIndex((step, at) => !sameStep(step, our[at], report));
  if (index >= 0) {
    const until = messages.slice(0, index + 1);
    const step = { text: messages[index], messages: until, npm: npm[index], our: our[index] };
    report.differ(step);
    return;
  }
  npm.forEach((step, at) => step.packet && reread(report, step, our[at]));
}

function sameStep(npm, our, report) {
  if (npm.packet === undefined || our.error !== undefined || our.waits) {
    return (npm.error !== undefined) === (our.error !== undefined) && npm.waits === our.waits;
  }
  const notes = new Set();
  const data = canonical(npm.packet.data, (name) => notes.add(name));
  const name = our.event === undefined || String(npm.packet.data[0]).toWellFormed() === our.event;
  const same = sameHead(npm, our) && !our.undecoded && name && data === canonicalOurs(our.data);
  if (same) {
    report.accepted += 1;
    // What is not there at all is no deviation.
    notes.forEach((note) => npm.packet.data === undefined || report.note(note));
  }
  return same;
}

/** What our encoder writes means the same to npm's decoders, of every generation. */
function reread(report, { packet: read }, { again, event }) {
  if (again === undefined) {
    return;
  }
  const data = event === undefined ? read.data : [event, ...read.data.slice(1)];
  const expected = [plain(read.type), read.nsp, read.id, canonical(data)];
  // The others differ in type 4 and in what CONNECT carries; to the oldest, whatever has a member
  // of that name is a placeholder.
  const since = [1, 2, 3].includes(plain(read.type)) ? 4 : 2;
  const until = since === 4 && expected[3].includes("\"_placeholder\":") ? 3 : since;
  for (const [name, parser] of GENERATIONS.slice(0, until)) {
    const packets = npmPackets(parser, again).flatMap((step) => step.packet ?? []);
    const found = packets.map((one) => [plain(one.type), one.nsp, one.id, canonical(one.data)]);
    if (JSON.stringify(found) !== JSON.stringify([expected])) {
      report.findings.push({ by: name, again, expected, found });
    }
  }
}

test("Socket.IO packets", (t) => {
  const report = new Report(SOCKETIO, ["half a surrogate pair becomes U+FFFD"]);
  const inputs = seeds("packet").map((seed) => {
    const [text, ...attachments] = split(seed.subarray(1), 0);
    return [text.toString(), ...attachments];
  });
  const examples = SOCKETIO.flatMap((rule) => rule.examples);
  run(t, "socketio", report, [...examples, ...inputs], connection, comparePackets);
});

function split(bytes, separator) {
  const parts = [];
  for (let rest = bytes; ; ) {
    const at = rest.indexOf(separator);
    if (at < 0) {
      return [...parts, rest];
    }
    parts.push(rest.subarray(0, at));
    rest = rest.subarray(at + 1);
  }
}

const TYPES = ["open", "close", "ping", "pong", "message", "message", "message", "upgrade", "noop"];

/** Engine.IO packets as npm's encoders take them. */
function enginePackets(random) {
  return Array.from({ length: 1 + random.below(4) }, () => {
    const type = random.pick(TYPES);
    if (type === "message" && random.chance(3)) {
      return { type, data: random.bytes(random.below(7)) };
    }
    const text = typeof value(random, 0, false) === "string" ? "probe" : String(value(random, 0));
    return random.chance(3) ? { type } : { type, data: text.toWellFormed() };
  });
}

const TEXTLESS = ["close", "upgrade", "noop"];
const IGNORED = "the text of a packet that has none is ignored";

function compareBodies(revision) {
  return (report, [body], [our]) => {
    const npm = npmBody(revision, body);
    const read = npm.packets.map((one) => enginePacket(one, report));
    const mine = our.packets.map(({ type, data }) => `${type} ${contents(data)}`);
    const same = read.join("\n") === mine.join("\n") && npm.fault === (our.error !== null);
    if (!same) {
      report.differ({ body, npm, our: { ...our, packets: mine } });
      return;
    }
    report.accepted += npm.fault ? 0 : 1;
    for (const again of our.again) {
      const found = npmBody(revision, again).packets.map((one) => enginePacket(one));
      if (found.join("\n") !== mine.join("\n")) {
        report.findings.push({ body, again, expected: mine, found });
      }
    }
  };
}

function enginePacket({ type, data }, report) {
  if (!TEXTLESS.includes(type)) {
    return `${type} ${canonical(data ?? "")}`;
  }
  if (data !== undefined) {
    report?.note(IGNORED);
  }
  return `${type} ""`;
}

function contents({ text, binary }) {
  return canonical(binary === undefined ? (text ?? "") : Buffer.from(binary, "base64"));
}

const bodies = seeds("payload").map((seed) => seed.subarray(1));

test("bodies of Engine.IO 4", (t) => {
  const report = new Report(ENGINE4, [IGNORED]);
  const examples = [...ENGINE4.flatMap((rule) => rule.examples), ...bodies].map((body) => [body]);
  const make = (random) => {
    let body;
    engine4.encodePayload(enginePackets(random), (text) => (body = text));
    switch (random.below(5)) {
      case 0:
        return [body];
      case 1:
        return [bendBytes(random, Buffer.from(body))];
      default:
        return [bend(random, body)];
    }
  };
  run(t, "engine4", report, examples, make, compareBodies("engine4"));
});

test("bodies of Engine.IO 3", (t) => {
  const report = new Report(ENGINE3, [IGNORED]);
  const texts = bodies.map(String).map((body) => body.toWellFormed());
  const examples = [...ENGINE3.flatMap((rule) => rule.examples), ...bodies, ...texts];
  const make = (random) => {
    let body;
    const encode = random.chance(2) ? "encodePayload" : "encodePayloadAsBinary";
    engine3[encode](enginePackets(random), (made) => (body = made));
    if (random.chance(4)) {
      return [body];
    }
    return [typeof body === "string" ? bend(random, body) : bendBytes(random, body)];
  };
  const compare = compareBodies("engine3");
  run(t, "engine3", report, examples.map((body) => [body]), make, compare);
});

const DATE = "a date becomes a string";

test("Socket.IO packets in MessagePack", (t) => {
  const notes = ["undefined becomes null", "NaN and infinities become null", DATE];
  const report = new Report(MSGPACK, notes);
  const written = [undefined, NaN, -Infinity, new Date(0), new Date(NaN), new Date(-1e14)];
  const plain = written.map((one) => notepack.encode({ type: 2, nsp: "/", data: ["e", one] }));
  const examples = [...MSGPACK.flatMap((rule) => rule.examples), ...plain, ...seeds("msgpack")];
  const make = (random) => {
    const made = packet(random);
    if (random.chance(4)) {
      made.data = ["e", random.pick([...written, [undefined], { a: new ArrayBuffer(3) }])];
    }
    const bytes = new msgpack.Encoder().encode(made)[0];
    return [random.chance(4) ? bytes : bendBytes(random, bytes)];
  };
  run(t, "msgpack", report, examples.map((bytes) => [bytes]), make, compareMsgpack);
});

function compareMsgpack(report, [body], [our]) {
  if (claimsMuch(body)) {
    return;
  }
  const [npm] = npmPackets(msgpack, [body]);
  if (!sameStep(npm, our, report)) {
    report.differ({ body, raw: raw(body), npm, our });
    return;
  }
  if (npm.packet) {
    reread3(report, npm.packet, our);
  }
}

/** What our encoder writes in MessagePack means the same to npm's decoder. */
function reread3(report, read, { again }) {
  const [{ packet: found }] = npmPackets(msgpack, again);
  const form = (one) => [one?.type, one?.nsp, one?.id, canonical(one?.data)].join();
  if (form(found) !== form(read)) {
    report.findings.push({ again, expected: form(read), found: form(found) });
  }
}

/** npm fills an array buffer of the length that is announced, however little there is. */
function claimsMuch(body) {
  return body.some((byte, at) => byte === 0xc9 && at + 5 <= body.length && body[at + 1] + body[at + 2]);
}

function raw(body) {
  try {
    return notepack.decode(body);
  } catch {
    return {};
  }
}

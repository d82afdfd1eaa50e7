// Where our decoders of polling bodies differ from npm's on purpose; see differential-rules.mjs.
//
// `our` and `npm` hold the packets in front of the first fault of `body`.

/** Whether base64 is as the standard has it, but for missing padding and white space. */
function isBase64(text) {
  const bare = text.replace(/[\t\n\f\r ]/g, "");
  const data = bare.length % 4 === 0 ? bare.replace(/={1,2}$/, "") : bare;
  return /^[A-Za-z0-9+/]*$/.test(data) && data.length % 4 !== 1;
}


export const ENGINE4 = [
  {
    name: "base64 that is none is refused",
    examples: ["bAQ=ID", "b*", "4a\u001ebAQI_", "bA", "bAQIDBA==="],
    met: ({ body, our }) =>
      our.error === "InvalidBase64" &&
      !isBase64(String(body).split("\u001e")[our.packets.length].slice(1)),
  },
  {
    name: "a body that is not UTF-8 is refused",
    examples: [Buffer.from([0x34, 0xff]), Buffer.from([0x34, 0xed, 0xa0, 0x80])],
    met: ({ body, our }) =>
      our.error === "InvalidUtf8" && !isUtf8(Buffer.from(body)),
  },
];

function isUtf8(bytes) {
  return Buffer.from(bytes.toString()).equals(bytes);
}

/** The packets of a text body with their lengths, as npm walks over it. */
function lengths(body) {
  const found = [];
  for (let at = 0; at < body.length; ) {
    const colon = body.indexOf(":", at);
    const length = body.slice(at, colon < 0 ? undefined : colon);
    const text = colon < 0 ? "" : body.slice(colon + 1, colon + 1 + Number(length));
    found.push([length, text]);
    if (colon < 0 || length === "" || text.length !== Number(length)) {
      break;
    }
    at = colon + 1 + Number(length);
  }
  return found;
}

/** The packet of a text body at which ours stopped. */
const stopped = ({ body, our }) =>
  typeof body === "string" ? (lengths(body)[our.packets.length] ?? []) : [];

/** The packets of a binary body: `[kind, content]`, or nothing where its lengths do not fit. */
function frames(body) {
  const found = [];
  for (let rest = body; rest.length > 0; ) {
    const end = rest.indexOf(0xff, 1);
    const digits = [...rest.subarray(1, Math.max(1, end))];
    const length = Number(digits.join(""));
    const fits = end > 1 && end < 18 && digits.every((digit) => digit < 10);
    if (!fits || rest.length < end + 1 + length) {
      found.push([]);
      break;
    }
    found.push([rest[0], rest.subarray(end + 1, end + 1 + length)]);
    rest = rest.subarray(end + 1 + length);
  }
  return found;
}

const stoppedAt = ({ body, our }) =>
  typeof body === "string" ? undefined : frames(body)[our.packets.length];

const NO_TYPE = ["UnknownPacketType", "EmptyPacket"];

export const ENGINE3 = [
  {
    name: "a length is digits alone, at most 16",
    examples: ["0x2:4a", " 2:4a", "2.0:4a", "00000000000000002:4a", "2e0:4a"],
    met: (step) => step.our.error === "InvalidLength" && !/^\d{0,16}$/.test(stopped(step)[0] ?? "0"),
  },
  {
    name: "a packet without content is refused",
    examples: ["0:", "2:4a0:2:4b"],
    met: (step) => NO_TYPE.includes(step.our.error) && stopped(step)[1] === "",
  },
  {
    name: "a length that ends inside a character is refused",
    examples: ["2:4🦀", "2:4🦀1:2"],
    met: (step) => step.our.error === "InvalidLength" && stopped(step)[1]?.isWellFormed() === false,
  },
  {
    name: "base64 of anything but a message is refused",
    examples: ["5:b2AAA", "1:b", "4:bxAA", Buffer.from([0, 2, 255, 0x62, 0xca])],
    met(step) {
      const text = stopped(step)[1] ?? stoppedAt(step)?.[1]?.toString("latin1") ?? "";
      // Here a type that is not UTF-8 is found by that first.
      return [...NO_TYPE, "InvalidUtf8"].includes(step.our.error) && /^b([^4]|$)/s.test(text);
    },
  },
  {
    name: "base64 that is none is refused",
    examples: ["5:b4A*A", "3:b4A", Buffer.from([0, 3, 255, 0x62, 0x34, 0xe9])],
    met(step) {
      const text = stopped(step)[1] ?? stoppedAt(step)?.[1]?.toString("latin1") ?? "";
      const refused = ["InvalidBase64", "InvalidUtf8"].includes(step.our.error);
      return refused && text.startsWith("b") && !isBase64(text.slice(2));
    },
  },
  {
    name: "a binary body whose lengths do not fit is refused",
    examples: [Buffer.from([0, 3, 255, 0x34]), Buffer.from([1, 12, 255, 4]), Buffer.from([0, 255])],
    met: (step) => step.our.error === "InvalidLength" && stoppedAt(step)?.length === 0,
  },
  {
    name: "what stands in front of such a fault is delivered",
    examples: [Buffer.from([0, 1, 255, 0x32, 0])],
    met: ({ body, npm, our }) =>
      npm.fault &&
      npm.packets.length === 0 &&
      our.packets.length > 0 &&
      our.error !== null &&
      frames(body).at(-1).length === 0,
  },
  {
    name: "an empty body is refused",
    examples: [Buffer.alloc(0)],
    met: ({ body, our }) => our.error === "EmptyPacket" && body.length === 0,
  },
  {
    name: "a binary packet is a message",
    examples: [Buffer.from([1, 2, 255, 2, 7]), Buffer.from([1, 0, 255]), Buffer.from([1, 1, 255, 9])],
    met(step) {
      const [kind, content] = stoppedAt(step) ?? [];
      return NO_TYPE.includes(step.our.error) && kind === 1 && content[0] !== 4;
    },
  },
  {
    name: "the kind of a packet is 0 or 1",
    examples: [Buffer.from([2, 2, 255, 4, 7])],
    met: (step) => NO_TYPE.includes(step.our.error) && stoppedAt(step)?.[0] > 1,
  },
  {
    name: "half a surrogate pair is no UTF-8",
    examples: [Buffer.from([0, 4, 255, 0x34, 0xed, 0xa0, 0x80])],
    met: (step) =>
      step.our.error === "InvalidUtf8" &&
      /\xed[\xa0-\xbf]/.test(stoppedAt(step)?.[1].toString("latin1")),
  },
];

// Bad Engine.IO and Socket.IO packets: each ends its own connection, with a reason where the
// protocol has room for one, and a well-behaved client of the same server notices nothing.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { ack, client, next, pause } from "./clients.mjs";
import { SUBJECT, pick, start } from "./server.mjs";
import { FrameWire, OPCODE, PacketWire, Polling, enginePath, frame } from "./wire.mjs";

const QUIET = { pingInterval: 20_000, pingTimeout: 20_000, connectTimeout: 20_000 };

let server;
let healthy;
const endings = [];
before(async () => {
  server = await start(QUIET);
  // Outlives the single test, so that each finds the connection that the last one left.
  healthy = client({ after: (end) => endings.push(end) }, server);
  healthy.connect();
  await next(healthy, "welcome");
});
after(async () => {
  endings.forEach((end) => end());
  await server.kill();
});

let id;
beforeEach(() => {
  ({ id } = healthy);
});
afterEach(async () => {
  assert.equal(healthy.id, id);
  assert.equal(await ack(healthy, "echo-ack", "calm"), "calm");
});

const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
const byte = Buffer.from([1]);

/** The close must come, and say why: Node's has no code and no reason. */
async function closes(wire) {
  const { code, reason } = await wire.close();
  if (SUBJECT === "rialto") {
    assert.ok(code >= 1002 && ![1005, 1006].includes(code), `code ${code}`);
    assert.notEqual(reason, "");
  }
}

/** One test per packet or series of packets. */
function eachCloses(cases, options) {
  for (const packets of cases) {
    const list = [packets].flat();
    const title = list.map((packet) => JSON.stringify(packet.toString().slice(0, 60))).join(", ");
    test(title, async (t) => {
      const wire = await PacketWire.open(t, server, options);
      wire.send(...list);
      await closes(wire);
    });
  }
}

describe("Engine.IO packets", () => {
  // Neither a type nor, for 2, a direction of this protocol version: the server pings.
  eachCloses(["", "7", "9", "x", "é", "2", "2probe"]);
});

describe("Socket.IO packets without a type or with a broken head", () => {
  eachCloses(["4", "47", "49", "4x", "4-", "4\u0000", "4{}", '4["echo",1]']);
});

describe("events", () => {
  eachCloses([
    "42{}",
    "42[]",
    '42"echo"',
    "42null",
    "42[null]",
    "42[{}]",
    "42[[]]",
    "42[true]",
    '42["echo"',
    '42["echo",]',
    '42["echo"]x',
    "42not",
    '42["echo",NaN]',
    "42[\"echo\",'x']",
    '42["echo',
    '42["connect"]',
    '42["connect_error"]',
    '42["disconnect"]',
    '42["disconnecting"]',
    '42["newListener"]',
    '42["removeListener"]',
    '42/chat,["echo"]',
    '42/nothing,["echo"]',
    '42-1["echo-ack",1]',
    '421.5["echo-ack",1]',
    '42\u0000["echo"]',
    `42${"[".repeat(50_000)}`,
  ]);
});

describe("connecting and leaving", () => {
  eachCloses([
    "40",
    '40"text"',
    "40[]",
    "40{",
    '40/chat,"text"',
    "40/chat,[]",
    "40/chat,{",
    "41{}",
    '41"text"',
    "41/nothing,",
    "44",
    '44{"message":"x"}',
  ]);

  describe("before joining", () => {
    eachCloses(["41", '42["echo",1]', '420["echo-ack",1]', "430[1]", "430[]", byte], {
      join: false,
    });
  });
});

describe("acknowledgements", () => {
  eachCloses(["43abc", "431{}", '431"x"', "431[", "43/chat,1[1]"]);
});

describe("attachments", () => {
  eachCloses([
    [byte],
    ['45["echo"]'],
    ['45-["echo"]'],
    ['45x-["echo"]'],
    ['4511-["echo"]'],
    ['4599999999999-["echo"]'],
    ['45-1-["echo"]'],
    [`451-["echo",${placeholder(0)}]`, '42["echo",1]'],
    [`451-["echo",${placeholder(0)}]`, `451-["echo",${placeholder(0)}]`],
    [`451-["echo",${placeholder(1)}]`, byte],
    [`451-["echo",${placeholder(-1)}]`, byte],
    [`451-["echo",${placeholder('"splice"')}]`, byte],
    [`451-["echo",${placeholder("null")}]`, byte],
    ['451-["echo",{"_placeholder":true}]', byte],
    [`451-["echo",${placeholder(0)}]`, byte, byte],
    [`451-[${placeholder(0)}]`, byte],
    ['451-{"a":1}', byte],
  ]);
});

describe("what Node lets pass and Rialto does not", () => {
  const cases = {
    "an event without a body": ["42"],
    "an id beyond what a number holds": ['4299999999999999999999["echo-ack",1]'],
    "nesting beyond the depth limit": [`42["echo",${nested(1_000)}]`],
    "half a placeholder": [`451-["echo",${placeholder(0.5)}]`, byte],
  };
  for (const [name, packets] of Object.entries(cases)) {
    test(name, async (t) => {
      const wire = await PacketWire.open(t, server);
      wire.send(...packets);
      if (pick({ reference: false, rialto: true })) {
        await closes(wire);
      } else {
        await pause(50);
        assert.ok(!wire.isClosed);
      }
    });
  }
});

describe("odd but no reason to close", () => {
  const cases = {
    "an answer to a question never asked": ["4399[1]"],
    "an answer given twice": ['42["ask",1]', "430[1]", "430[2]"],
    "the main namespace by its name": ['42/,["echo",0]'],
    "a pong that was not asked for": ["3"],
    "an unknown event": ['42["nobody listens"]'],
    "a namespace refused": ["40/nothing,"],
    "spaces inside the JSON": ['42 [ "echo" , 0 ] '.replace("42 ", "42")],
    "attachments split by a heartbeat": [`451-["echo",${placeholder(0)}]`, "3", byte],
    "an escape of half a surrogate pair": ['42["echo","\\ud800"]'],
  };
  for (const [name, packets] of Object.entries(cases)) {
    test(name, async (t) => {
      const wire = await PacketWire.open(t, server);
      wire.send(...packets);
      wire.send('42["echo","still here"]');
      await wire.take((packet) => packet === '42["echo","still here"]');
    });
  }

  test("a namespace is joined, left and joined again", async (t) => {
    const wire = await PacketWire.open(t, server);
    for (const round of [1, 2]) {
      wire.send("40/chat,");
      await wire.take((packet) => packet.startsWith("40/chat,{"));
      wire.send("41/chat,", `42["echo",${round}]`);
      await wire.take((packet) => packet === `42["echo",${round}]`);
    }
  });

  test("leaving the last namespace keeps the connection, and it may be joined again", async (t) => {
    const wire = await PacketWire.open(t, server);
    wire.send("41");
    // Node takes a second packet of the same read before it has dealt with the first.
    await pause(pick({ reference: 50, rialto: 0 }));
    wire.send("40");
    await wire.take((packet) => packet.startsWith("40{"));
  });
});

describe("on polling", () => {
  for (const packet of [
    "49",
    "42[]",
    '42["connect"]',
    "40",
    "bAQID",
    `451-["echo",${placeholder(0)}]\u001e42["echo"]`,
  ]) {
    test(`${JSON.stringify(packet)} ends the session`, async () => {
      const session = await (await Polling.open(server)).join();
      assert.ok([200, 400].includes((await session.post(packet)).status));
      // The close packet may still be fetched, once.
      const last = await session.poll();
      if (last.status === 200) {
        assert.match(last.body, /(^|\u001e)1$/);
        assert.equal((await session.poll()).status, 400);
      } else {
        assert.equal(last.status, 400);
      }
    });
  }
});

describe("on the way below", () => {
  test("a frame that breaks the WebSocket protocol ends its session alone", async (t) => {
    for (const [bytes, expected] of [
      [frame(OPCODE.text, Buffer.from([0x34, 0xff])), 1007],
      [frame(OPCODE.text, "42", { masked: false }), 1002],
      [frame(OPCODE.binary, "", { length: 100_001n }), 1009],
    ]) {
      const wire = await FrameWire.open(t, server, enginePath("websocket"));
      wire.write(frame(OPCODE.text, "40"));
      wire.write(bytes);
      const { code, reason } = await wire.close();
      assert.equal(code, expected);
      assert.ok(pick({ reference: true, rialto: reason !== "" }));
    }
  });

  test("a cut in the middle of attachments frees the server of them", async (t) => {
    const wire = await PacketWire.open(t, server);
    wire.send(`452-["echo",${placeholder(0)},${placeholder(1)}]`, byte);
    wire.socket.terminate();
    await wire.closed;
  });

  test("five hundred bad clients in a row leave the server as it was", async (t) => {
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const wire = await PacketWire.open(t, server, { join: false });
          wire.send(["4x", "", byte, '42["echo"]'][i % 4]);
          await wire.close();
        }),
      );
    }
  });
});

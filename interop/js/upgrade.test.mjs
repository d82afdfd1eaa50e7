// The hand-over from polling to WebSocket, packet by packet, and what may go wrong with it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { next, pause } from "./clients.mjs";
import { start } from "./server.mjs";
import { PacketWire, Polling, enginePath } from "./wire.mjs";

let server;
before(async () => {
  server = await start({
    pingInterval: 20_000,
    pingTimeout: 20_000,
    connectTimeout: 20_000,
    upgradeTimeout: 1_500,
  });
});
after(() => server.kill());

/** A WebSocket for that polling session, before any packet. */
async function probe(t, session) {
  const wire = new PacketWire(t, server, { query: `&sid=${session.handshake.sid}` });
  await next(wire.socket, "open");
  return wire;
}

/** Runs the hand-over to its end. */
async function upgrade(t, session) {
  const wire = await probe(t, session);
  wire.send("2probe");
  await wire.take((packet) => packet === "3probe");
  wire.send("5");
  return wire;
}

const echoed = (wire, n) => {
  wire.send(`42["echo",${n}]`);
  return wire.take((packet) => packet === `42["echo",${n}]`);
};

/** The session still works on polling. */
async function polls(session) {
  assert.equal((await session.post('42["echo","polling"]')).body, "ok");
  let body = "";
  while (!body.includes('42["echo","polling"]')) {
    const answer = await session.poll();
    assert.equal(answer.status, 200);
    body += answer.body;
  }
}

describe("a hand-over that succeeds", { concurrency: true }, () => {
  test("probe, answer, upgrade: the WebSocket carries on", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await upgrade(t, session);
    await echoed(wire, 1);
  });

  test("an open poll is let go, so that the client can stop polling", async (t) => {
    const session = await (await Polling.open(server)).join();
    const poll = session.poll();
    await pause(50);
    const wire = await probe(t, session);
    wire.send("2probe");
    await wire.take((packet) => packet === "3probe");
    assert.deepEqual([(await poll).status, (await poll).body], [200, "6"]);
    wire.send("5");
    await echoed(wire, 1);
  });

  test("a client that does not wait for it is served as well", async (t) => {
    const session = await (await Polling.open(server)).join();
    const poll = session.poll();
    await pause(50);
    const wire = await upgrade(t, session);
    const { status, body } = await poll;
    assert.equal(status, 200);
    assert.ok(["1", "6"].includes(body), body);
    await echoed(wire, 1);
  });

  test("what was waiting on polling arrives once, before what comes after", async (t) => {
    const session = await (await Polling.open(server)).join();
    await session.post('42["sequence",3]');
    const wire = await upgrade(t, session);
    await echoed(wire, "9");
    const seen = wire.packets.filter((packet) => packet.startsWith('42["seq"'));
    assert.deepEqual(seen, ['42["seq",0]', '42["seq",1]', '42["seq",2]']);
  });

  test("the session may begin without a namespace and join after", async (t) => {
    const session = await Polling.open(server);
    const wire = await upgrade(t, session);
    wire.send("40");
    assert.match(await wire.take((packet) => packet.startsWith("40")), /^40\{"sid"/);
  });

  test("polling with its id is over", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await upgrade(t, session);
    await echoed(wire, 1);
    for (const answer of [await session.poll(), await session.post('42["echo",2]')]) {
      assert.equal(answer.status, 400);
      assert.equal(JSON.parse(answer.body).code, 3);
    }
    await echoed(wire, 3);
  });

  test("a second WebSocket with its id is closed, the first stays", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await upgrade(t, session);
    await echoed(wire, 1);
    const second = new PacketWire(t, server, { query: `&sid=${session.handshake.sid}` });
    await second.close();
    assert.deepEqual(second.packets, []);
    await echoed(wire, 2);
  });
});

describe("a hand-over that fails leaves polling as it was", { concurrency: true }, () => {
  test("the WebSocket goes away before the probe", async (t) => {
    const session = await (await Polling.open(server)).join();
    (await probe(t, session)).socket.terminate();
    await polls(session);
  });

  test("it goes away after the probe", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await probe(t, session);
    wire.send("2probe");
    await wire.take((packet) => packet === "3probe");
    wire.socket.terminate();
    await polls(session);
  });

  for (const packet of ["2wrong", "2", "4hello", "40", "x", ""]) {
    test(`instead of the probe comes ${JSON.stringify(packet)}`, async (t) => {
      const session = await (await Polling.open(server)).join();
      const wire = await probe(t, session);
      wire.send(packet);
      await wire.close();
      await polls(session);
    });
  }

  test("instead of the probe comes the last word: one of the two ways works", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await probe(t, session);
    wire.send("5");
    await pause(100);
    // Node takes it as an upgrade; to close the WebSocket is as good.
    await (wire.isClosed ? polls(session) : echoed(wire, 1));
  });

  test("the probe never comes: closed after the upgrade timeout", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await probe(t, session);
    const began = performance.now();
    await wire.close();
    const waited = performance.now() - began;
    assert.ok(waited >= 1_300 && waited < 5_000, `closed after ${waited} ms, expected 1500`);
    await polls(session);
  });

  test("the last word never comes: closed after the upgrade timeout", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await probe(t, session);
    wire.send("2probe");
    await wire.take((packet) => packet === "3probe");
    await wire.close();
    await polls(session);
  });

  test("after a failure the next attempt may succeed", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wire = await probe(t, session);
    wire.socket.terminate();
    await wire.closed;
    await pause(50);
    await echoed(await upgrade(t, session), 1);
  });

  test("of two attempts at once one at most takes over, and one way works", async (t) => {
    const session = await (await Polling.open(server)).join();
    const wires = await Promise.all(
      [0, 1].map(() => {
        const wire = new PacketWire(t, server, { query: `&sid=${session.handshake.sid}` });
        wire.socket.on("open", () => wire.send("2probe"));
        return wire;
      }),
    );
    await pause(200);
    const answered = wires.filter((wire) => wire.packets.includes("3probe") && !wire.isClosed);
    assert.ok(answered.length <= 1, `${answered.length} probes answered`);
    if (answered.length === 1) {
      answered[0].send("5");
      await echoed(answered[0], 1);
    } else {
      await polls(session);
    }
  });
});

test("a second WebSocket for a session that began as one is ended, the first stays", async (t) => {
  const wire = await PacketWire.open(t, server);
  const query = `&sid=${wire.handshake.sid}`;
  const second = new WebSocket(server.url.replace("http", "ws") + enginePath("websocket", query));
  t.after(() => second.terminate());
  second.on("error", () => {});
  await next(second, "close");
  await echoed(wire, 1);
});

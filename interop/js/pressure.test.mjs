// Clients that send more than they read, or more than the server can start at once: what they get
// is late, but whole and in order.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, pause } from "./clients.mjs";
import { start } from "./server.mjs";
import { PacketWire } from "./wire.mjs";

let server;
before(async () => {
  // No heartbeat helps a server along that has gone to sleep.
  server = await start({ pingInterval: 60_000, pingTimeout: 60_000, connectTimeout: 60_000 });
});
after(() => server.kill());

/** The numbers of the echoes that have come, in the order of their arrival. */
function echoes(wire) {
  const found = wire.packets.map((packet) => /^42\["echo",(\d+)/.exec(packet)?.[1]);
  return found.filter((number) => number !== undefined).map(Number);
}

async function assertEchoes(wire, count) {
  await eventually(() => echoes(wire).length >= count);
  assert.deepEqual(
    echoes(wire),
    Array.from({ length: count }, (_, i) => i),
  );
}

describe("a client under pressure", { concurrency: true }, () => {
  test("stops reading for a while: all answers come in order", async (t) => {
    const wire = await PacketWire.open(t, server);
    wire.socket.pause();
    // Far more than the kernel and the server keep for it; small ones must not overtake.
    for (let i = 0; i < 1_000; i += 1) {
      wire.send(`42["echo",${i},"${"x".repeat(i % 2 ? 50_000 : 10)}"]`);
    }
    await pause(500);
    wire.socket.resume();
    await assertEchoes(wire, 1_000);
  });

  test("stops reading for a while: another is served meanwhile", async (t) => {
    const [slow, calm] = await Promise.all([PacketWire.open(t, server), PacketWire.open(t, server)]);
    slow.socket.pause();
    for (let i = 0; i < 400; i += 1) {
      slow.send(`42["echo",${i},"${"x".repeat(50_000)}"]`);
    }
    for (let i = 0; i < 50; i += 1) {
      calm.send(`42["echo",${i}]`);
      await pause(2);
    }
    await assertEchoes(calm, 50);
  });

  test("asks much that takes time: what is behind it comes as well", async (t) => {
    const wire = await PacketWire.open(t, server);
    for (let i = 0; i < 500; i += 1) {
      wire.send(`42${i}["late-ack",200]`);
    }
    for (let i = 0; i < 500; i += 1) {
      wire.send(`42["echo",${i}]`);
    }
    await assertEchoes(wire, 500);
    const acks = () => wire.packets.filter((packet) => packet.startsWith("43"));
    await eventually(() => acks().length === 500);
    assert.equal(new Set(acks()).size, 500);
  });
});

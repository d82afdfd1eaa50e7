// Connection state recovery with the stock client, which does its part by itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TRANSPORTS, ack, collect, connect, eventually, next, pause } from "./clients.mjs";
import { PATIENT, SUBJECT, pick, start } from "./server.mjs";

const KEPT_MS = 3_000;
/** Long enough for the server to hear of the loss and to send what will be missed. */
const AWAY_MS = 400;

let server;
before(async () => {
  server = await start({ ...PATIENT, recovery: KEPT_MS });
});
after(() => server.kill());

/** A client that comes back by itself after a while. */
function traveller(t, options = {}) {
  const away = { reconnection: true, reconnectionDelay: AWAY_MS, randomizationFactor: 0 };
  return connect(t, server, { ...away, ...options });
}

/** An event to everyone in the main namespace. */
async function announce(event, data) {
  const answer = await fetch(`${server.url}/announce`, {
    method: "POST",
    body: JSON.stringify({ event, data }),
  });
  assert.equal(answer.status, 204);
}

/** Loses the connection, lets `meanwhile` happen, and waits until the client is back. */
async function lose(socket, meanwhile = async () => {}) {
  const back = next(socket, "connect");
  socket.io.engine.close();
  await pause(AWAY_MS / 4);
  await meanwhile();
  await back;
}

for (const transport of TRANSPORTS.filter(({ settled }) => settled)) {
  describe(`recovery, ${transport.name}`, () => {
    test("id, rooms, data and missed events come back, in order", async (t) => {
      const socket = await traveller(t, { transport });
      await ack(socket, "join", "room");
      await ack(socket, "set-data", { n: 7 });
      const [id, seen] = [socket.id, collect(socket, "news")];
      assert.equal((await ack(socket, "info")).recovered, false);
      await announce("news", 1);
      await eventually(() => seen.length === 1);
      await lose(socket, async () => {
        for (const n of [2, 3, 4]) {
          await announce("news", n);
        }
      });
      assert.equal(socket.recovered, true);
      assert.equal((await ack(socket, "info")).recovered, true);
      assert.equal(socket.id, id);
      assert.deepEqual(seen, [1, 2, 3, 4]);
      assert.equal(await ack(socket, "room-size", "room"), 1);
      assert.deepEqual(await ack(socket, "get-data"), { n: 7 });
      await announce("news", 5);
      await eventually(() => seen.length === 5);
      assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    });

    test("a second loss is recovered as the first was", async (t) => {
      const socket = await traveller(t, { transport });
      const [id, seen] = [socket.id, collect(socket, "twice")];
      for (const n of [1, 2]) {
        await lose(socket, () => announce("twice", n));
        assert.deepEqual([socket.recovered, socket.id], [true, id]);
      }
      assert.deepEqual(seen, [1, 2]);
    });
  });
}

test("a client that has received nothing yet", async (t) => {
  const socket = await traveller(t);
  const seen = collect(socket, "first");
  // What a client sends that was greeted by nothing.
  socket._lastOffset = undefined;
  await lose(socket, () => announce("first", 1));
  // The reference wants an offset, and none can be had before the first event.
  assert.equal(socket.recovered, pick({ reference: false, rialto: true }));
  assert.deepEqual(seen, pick({ reference: [], rialto: [1] }));
});

test("a client that leaves is not recovered", async (t) => {
  const socket = await traveller(t);
  const { id } = socket;
  socket.disconnect();
  socket.connect();
  await next(socket, "connect");
  assert.equal(socket.recovered, false);
  assert.notEqual(socket.id, id);
});

test("a client that is away for too long begins anew", async (t) => {
  const socket = await traveller(t, { reconnectionDelay: KEPT_MS + 500 });
  const { id } = socket;
  const seen = collect(socket, "late");
  await lose(socket, () => announce("late", 1));
  assert.equal(socket.recovered, false);
  assert.notEqual(socket.id, id);
  assert.deepEqual(seen, []);
});

test("a server that is started anew recovers nobody and takes everybody", async (t) => {
  const own = await start({ ...PATIENT, recovery: KEPT_MS });
  t.after(() => own.kill());
  const socket = await connect(t, own, { reconnection: true, reconnectionDelay: AWAY_MS });
  const { id } = socket;
  const back = next(socket, "connect");
  await own.restart();
  await back;
  assert.equal(socket.recovered, false);
  assert.notEqual(socket.id, id);
});

test("two clients with one secret never share an id", async (t) => {
  const socket = await traveller(t, { reconnection: false });
  const claim = { pid: socket._pid, offset: socket._lastOffset };
  const { id } = socket;
  socket.io.engine.close();
  await pause(AWAY_MS);
  const copies = [];
  for (let i = 0; i < 2; i += 1) {
    const copy = await import("socket.io-client").then(({ io }) =>
      io(server.url, { forceNew: true, reconnection: false, auth: claim }),
    );
    t.after(() => copy.close());
    await next(copy, "connect");
    copies.push(copy);
  }
  const holders = () => copies.filter((copy) => copy.connected && copy.id === id).length;
  // The reference hands the session to both; here the later one has it, the earlier is closed.
  await eventually(() => holders() === pick({ reference: 2, rialto: 1 }));
  assert.equal(SUBJECT === "reference" || copies[1].connected, true);
});

// Connection state recovery between stock clients and a server that both speak MessagePack.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import parser from "socket.io-msgpack-parser";
import { TRANSPORTS, ack, collect, connect, eventually, next, pause } from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

/** Long enough for the server to hear of the loss and to send what will be missed. */
const AWAY_MS = 400;

let server;
before(async () => {
  server = await start({ ...PATIENT, recovery: 3_000, parser: "msgpack" });
});
after(() => server.kill());

for (const transport of TRANSPORTS.filter(({ settled }) => settled)) {
  describe(`recovery with MessagePack, ${transport.name}`, () => {
    test("id, rooms, data and missed events come back, binary ones too, in order", async (t) => {
      const options = { transport, parser };
      const away = { reconnection: true, reconnectionDelay: AWAY_MS, randomizationFactor: 0 };
      const socket = await connect(t, server, { ...options, ...away });
      const other = await connect(t, server, options);
      const room = `away ${transport.name}`;
      await ack(socket, "join", room);
      await ack(socket, "set-data", { n: 7 });
      const [id, seen] = [socket.id, collect(socket, "news")];
      const sent = ["text", { bytes: Buffer.from([0, 200, 255]) }, 2 ** 40, "last"];
      const send = async (from, to) => {
        for (const item of sent.slice(from, to)) {
          other.emit("to", [room], "news", item);
        }
        // An answer says that all before it was handled.
        await ack(other, "echo-ack", "done");
      };
      await send(0, 1);
      await eventually(() => seen.length === 1);
      // Twice: what came back by the first recovery carries offsets of its own.
      for (const [from, to] of [[1, 3], [3, 4]]) {
        const back = next(socket, "connect");
        socket.io.engine.close();
        await pause(AWAY_MS / 4);
        await send(from, to);
        await back;
        assert.deepEqual([socket.recovered, socket.id], [true, id]);
        assert.deepEqual(seen, sent.slice(0, to));
      }
      assert.equal(await ack(socket, "room-size", room), 1);
      assert.deepEqual(await ack(socket, "get-data"), { n: 7 });
    });
  });
}

// Socket.IO over TLS: npm's client by HTTP/1.1, and Chromium by HTTP/2, where polls and the
// WebSocket are streams of one connection (RFC 8441). Node's server has no HTTP/2 to compare with.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { startBrowser } from "./browser.mjs";
import { PATIENT, SUBJECT, start } from "./server.mjs";

const skip = SUBJECT === "reference" && "the reference speaks plain HTTP";

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await start({ ...PATIENT, tls: path.join(import.meta.dirname, "tls") });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.kill();
});

describe("npm's client", { skip }, () => {
  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    test(transports.join(", then "), async (t) => {
      const socket = io(server.url, { transports, rejectUnauthorized: false, forceNew: true });
      t.after(() => socket.disconnect());
      await new Promise((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("connect_error", reject);
      });
      const handshake = await socket.timeout(5_000).emitWithAck("handshake");
      assert.equal(handshake.secure, true);
      if (transports.length === 2 && socket.io.engine.transport.name !== "websocket") {
        await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
      }
      const { transport } = await socket.timeout(5_000).emitWithAck("info");
      assert.equal(transport, transports.at(-1));
    });
  }
});

/** A relay before the server that counts the connections; the test's end cuts it. */
async function relay(t) {
  const counted = { connections: 0 };
  const sockets = new Set();
  const listener = createServer((near) => {
    counted.connections += 1;
    const far = connect(server.port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    listener.close();
  });
  counted.port = listener.address().port;
  return counted;
}

describe("Chromium", { skip }, () => {
  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    test(`${transports.join(", then ")} over HTTP/2`, async (t) => {
      const way = await relay(t);
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      t.after(() => context.close());
      const page = await context.newPage();
      await page.goto(`https://localhost:${way.port}/ws.html`);
      await page.addScriptTag({ url: "/socket.io/socket.io.js" });
      const before = way.connections;
      const seen = await page.evaluate(async (allowed) => {
        const socket = globalThis.io({ transports: allowed });
        await new Promise((resolve, reject) => {
          socket.on("connect", resolve);
          socket.on("connect_error", reject);
        });
        const ask = (event, ...args) =>
          new Promise((resolve) => socket.emit(event, ...args, resolve));
        const { secure } = await ask("handshake");
        const last = allowed.at(-1);
        let transport;
        for (let i = 0; i < 200 && transport !== last; i += 1) {
          ({ transport } = await ask("info"));
        }
        const echoed = await ask("echo-ack", "x".repeat(50_000));
        const entries = performance.getEntriesByType("resource");
        const hops = entries.map((entry) => entry.nextHopProtocol);
        socket.disconnect();
        return { secure, transport, echoed: echoed.length, hops: [...new Set(hops)] };
      }, transports);
      assert.deepEqual(seen, {
        secure: true,
        transport: transports.at(-1),
        echoed: 50_000,
        hops: ["h2"],
      });
      assert.equal(way.connections, before, "no further connection");
    });
  }
});

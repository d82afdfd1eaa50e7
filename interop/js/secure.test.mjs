// WebSockets over TLS: npm's client, and Chromium over HTTP/1.1 and HTTP/2 (RFC 8441).
//
// Chromium opens a WebSocket on an HTTP/2 connection that it already has to the same origin, if
// the server has announced extended CONNECT; so these tests load a page first.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { startBrowser } from "./browser.mjs";
import { next } from "./clients.mjs";
import { launch } from "./server.mjs";

const WAYS = {
  serve: { target: "/", hop: "http/1.1", version: "HTTP/1.1", method: "GET", peer: "127.0.0.1" },
  axum: { target: "/echo", hop: "h2", version: "HTTP/2.0", method: "CONNECT", peer: null },
};

const servers = {};
let browser;
before(async () => {
  for (const by of Object.keys(WAYS)) {
    servers[by] = await launch("ws-server", ["--by", by, "--tls"]);
  }
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all(Object.values(servers).map((server) => server.kill()));
});

/** Opens npm's client; the test's end cuts it. */
async function open(t, by, protocols = []) {
  const address = servers[by].url.replace("http", "ws") + WAYS[by].target;
  const socket = new WebSocket(address, protocols, {
    perMessageDeflate: false,
    rejectUnauthorized: false,
  });
  t.after(() => socket.terminate());
  await next(socket, "open");
  return socket;
}

/** A page of a server of its own origin, `https://localhost:PORT`. */
async function visit(t, server) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`https://localhost:${server.port}/`);
  return page;
}

/**
 * In the page: opens a WebSocket, sends all of `texts`, gathers as many answers, closes.
 * Gives back the answers and how it closed.
 */
function exchange(page, url, { texts, protocols = [], close = [1000, ""] }) {
  return page.evaluate(
    ([address, offer, sent, [code, reason]]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address, offer);
        const answers = [];
        socket.onopen = () => sent.forEach((text) => socket.send(text));
        socket.onmessage = ({ data }) => {
          answers.push(data);
          if (answers.length === sent.length) {
            socket.close(code, reason);
          }
        };
        socket.onclose = (event) =>
          resolve({
            answers,
            protocol: socket.protocol,
            code: event.code,
            reason: event.reason,
            clean: event.wasClean,
          });
      }),
    [url, protocols, texts, close],
  );
}

const socketUrl = (by, server = servers[by]) => `wss://localhost:${server.port}${WAYS[by].target}`;

for (const by of Object.keys(WAYS)) {
  describe(`npm's client over TLS, taken by ${by}`, () => {
    for (const size of [0, 1, 125, 126, 16_384, 65_536, 1_000_000, 5_000_000]) {
      test(`${size} bytes come back`, async (t) => {
        const socket = await open(t, by);
        const bytes = randomBytes(size);
        const answer = next(socket, "message");
        socket.send(bytes);
        assert.ok((await answer)[0].equals(bytes));
      });
    }

    test("it comes by HTTP/1.1, from an address that the handler sees", async (t) => {
      const socket = await open(t, by);
      const answer = next(socket, "message");
      socket.send("describe");
      const how = JSON.parse((await answer)[0]);
      assert.equal(how.version, "HTTP/1.1");
      assert.equal(how.method, "GET");
      assert.equal(how.target, WAYS[by].target);
      assert.equal(how.peer, "127.0.0.1");
    });

    test("closes carry code and reason both ways", async (t) => {
      const own = await open(t, by);
      own.close(4000, "mine");
      const [code, reason] = await next(own, "close");
      assert.deepEqual([code, reason.toString()], [4000, "mine"]);
      const theirs = await open(t, by);
      theirs.send("close 4001 yours");
      const [itsCode, itsReason] = await next(theirs, "close");
      assert.deepEqual([itsCode, itsReason.toString()], [4001, "yours"]);
    });
  });

  const way = WAYS[by];
  describe(`Chromium over TLS, taken by ${by}`, () => {
    test(`the WebSocket comes by ${way.method} over ${way.version}`, async (t) => {
      const page = await visit(t, servers[by]);
      const hop = await page.evaluate(
        () => performance.getEntriesByType("navigation")[0].nextHopProtocol,
      );
      assert.equal(hop, way.hop);
      const { answers, ...end } = await exchange(page, socketUrl(by), { texts: ["describe"] });
      const { port } = servers[by];
      assert.deepEqual(JSON.parse(answers[0]), {
        version: way.version,
        method: way.method,
        target: way.target,
        host: `localhost:${port}`,
        origin: `https://localhost:${port}`,
        protocol: null,
        peer: way.peer,
      });
      assert.deepEqual(end, { protocol: "", code: 1000, reason: "", clean: true });
    });

    test("a thousand messages come back in order, large ones among them", async (t) => {
      const page = await visit(t, servers[by]);
      const texts = Array.from({ length: 1_000 }, (_, i) =>
        i % 100 === 50 ? `${i} ${"x".repeat(200_000)}` : `message ${i}`,
      );
      const close = [4002, "enough"];
      const { answers, ...end } = await exchange(page, socketUrl(by), { texts, close });
      assert.deepEqual(answers, texts);
      assert.deepEqual(end, { protocol: "", code: 4002, reason: "enough", clean: true });
    });

    test("several WebSockets of a page do not mix", async (t) => {
      const page = await visit(t, servers[by]);
      const ends = await Promise.all(
        Array.from({ length: 5 }, (_, n) => {
          const texts = Array.from({ length: 100 }, (__, i) => `${n}:${i}`);
          return exchange(page, socketUrl(by), { texts }).then(({ answers }) => [texts, answers]);
        }),
      );
      ends.forEach(([texts, answers]) => assert.deepEqual(answers, texts));
    });

    test("the server's close reaches the page", async (t) => {
      const page = await visit(t, servers[by]);
      const asked = ["close 4003 no more", "never answered"];
      const end = await exchange(page, socketUrl(by), { texts: asked });
      assert.deepEqual(end, {
        answers: [],
        protocol: "",
        code: 4003,
        reason: "no more",
        clean: true,
      });
    });

    test("a server that stops closes with 1001", async (t) => {
      const server = await launch("ws-server", ["--by", by, "--tls"]);
      t.after(() => server.kill());
      const page = await visit(t, server);
      const opened = page.evaluate(
        (address) =>
          new Promise((resolve) => {
            const socket = new WebSocket(address);
            globalThis.ended = new Promise((done) => {
              socket.onclose = ({ code, reason, wasClean }) => done({ code, reason, wasClean });
            });
            socket.onopen = resolve;
          }),
        socketUrl(by, server),
      );
      await opened;
      const ended = server.kill("SIGTERM");
      assert.deepEqual(await page.evaluate(() => globalThis.ended), {
        code: 1001,
        reason: "the server is stopping",
        wasClean: true,
      });
      const { code, ms } = await ended;
      assert.equal(code, 0);
      assert.ok(ms < 3_000, `it took ${ms} ms`);
    });
  });
}

describe("Chromium and HTTP/2", () => {
  test("subprotocols are agreed on", async (t) => {
    const page = await visit(t, servers.axum);
    const protocols = ["v1", "v2"];
    const asked = { texts: ["describe"], protocols };
    const { answers, protocol } = await exchange(page, socketUrl("axum"), asked);
    assert.equal(protocol, "v2");
    assert.equal(JSON.parse(answers[0]).protocol, "v2");
    assert.equal(JSON.parse(answers[0]).version, "HTTP/2.0");
  });

  test("a page of another server comes by HTTP/1.1: it has no connection yet", async (t) => {
    const page = await visit(t, servers.serve);
    const { answers } = await exchange(page, socketUrl("axum"), { texts: ["describe"] });
    assert.equal(JSON.parse(answers[0]).version, "HTTP/1.1");
  });
});

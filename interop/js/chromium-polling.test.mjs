// Long-polling in Chromium, with binary both ways: XMLHttpRequest, fetch and JSONP, by npm's
// clients of each generation and by Rialto's own.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SCRIPTS, arrived, chromium, openPage } from "./chromium.mjs";
import { ack, connect, next } from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";

let server;
before(async () => {
  server = await start({ ...PATIENT, eio3: "on" });
});
after(() => server.kill());
const place = chromium({ before, after });

const XHR = { transports: ["polling"], upgrade: false };
const JSONP = { transports: ["polling"], upgrade: false, forceJSONP: true };

const WAYS = [
  { script: SCRIPTS.own, options: XHR, kinds: ["fetch"] },
  { script: SCRIPTS.stock, options: XHR, kinds: ["xhr"] },
  { script: SCRIPTS.v3, options: XHR, kinds: ["xhr"] },
  { script: SCRIPTS.v2, options: XHR, kinds: ["xhr"] },
  { script: SCRIPTS.v1, options: XHR, kinds: ["xhr"] },
  // Polls are script elements, what is sent is a form in a frame.
  { script: SCRIPTS.v2, options: JSONP, kinds: ["document", "script"], how: ", JSONP" },
  { script: SCRIPTS.v1, options: JSONP, kinds: ["document", "script"], how: ", JSONP" },
];

for (const { script, options, kinds, how = "" } of WAYS) {
  describe(`${script.name}${how}`, { concurrency: 2 }, () => {
    const open = (t, allow) => openPage(t, place, server.url, script, allow);

    test("nothing but polls and posts of its kind", async (t) => {
      const { page, requests } = await open(t);
      const info = await page.evaluate(async (way) => {
        const { connect, ask } = globalThis.inPage;
        const socket = await connect(way);
        await ask(socket, "echo-ack", new Uint8Array([1]).buffer);
        return (await ask(socket, "info"))[0];
      }, options);
      assert.deepEqual([info.transport, info.protocol], ["polling", script.protocol]);
      assert.deepEqual([...new Set(requests.map(({ kind }) => kind))].sort(), kinds);
      assert.deepEqual([...new Set(requests.map(({ method }) => method))].sort(), ["GET", "POST"]);
      const jsonp = requests.filter(({ address }) => /[?&]j=\d/.test(address)).length;
      assert.equal(jsonp, how ? requests.length : 0);
    });

    test("bytes of every kind, events both ways", async (t) => {
      const { page } = await open(t);
      const [buffer, view, blob, empty, deep, mixed] = await page.evaluate(async (way) => {
        const { connect, echo, plain } = globalThis.inPage;
        const socket = await connect(way);
        const every = Uint8Array.from({ length: 256 }, (_, i) => i);
        const sent = [
          [every.buffer],
          [every.subarray(250, 253)],
          [new Blob([every.subarray(0, 3), "é"])],
          [new ArrayBuffer(0)],
          [{ a: [{ b: new Uint8Array([7]).buffer }, "text"], c: new Blob(["x"]) }],
          ["before", new Uint8Array([1]).buffer, { between: 1 }, new Uint8Array([2]).buffer, null],
        ];
        const back = [];
        for (const args of sent) back.push(await plain(await echo(socket, ...args)));
        return back;
      }, options);
      assert.deepEqual(buffer, [arrived(...Array(256).keys())]);
      const asObject = { 0: 250, 1: 251, 2: 252 };
      assert.deepEqual(view, [script.noViews ? asObject : arrived(250, 251, 252)]);
      assert.deepEqual(blob, [arrived(0, 1, 2, 0xc3, 0xa9)]);
      assert.deepEqual(empty, [arrived()]);
      assert.deepEqual(deep, [{ a: [{ b: arrived(7) }, "text"], c: arrived(120) }]);
      assert.deepEqual(mixed, ["before", arrived(1), { between: 1 }, arrived(2), null]);
    });

    test("bytes in acknowledgements, both ways", async (t) => {
      const { page } = await open(t);
      const seen = await page.evaluate(async (way) => {
        const { ask, connect, next, plain } = globalThis.inPage;
        const socket = await connect(way);
        const back = await ask(socket, "echo-ack", new Uint8Array([1, 255]).buffer, "and text");
        const sum = await ask(socket, "sum", new Blob([new Uint8Array([1, 2, 3])]));
        socket.on("question", (bytes, answer) => answer({ bytes }, new Blob(["ab"])));
        const answer = next(socket, "answer");
        socket.emit("ask", new Uint8Array([9]).buffer);
        return plain([back, sum, await answer]);
      }, options);
      assert.deepEqual(seen, [
        [arrived(1, 255), "and text"],
        [3, 6],
        [{ bytes: arrived(9) }, arrived(97, 98)],
      ]);
    });

    test("60 000 bytes there and 60 000 back", async (t) => {
      const { page } = await open(t);
      const seen = await page.evaluate(async (way) => {
        const { ask, bytesOf, connect } = globalThis.inPage;
        const socket = await connect(way);
        const sent = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 7) % 256);
        const [length, sum] = await ask(socket, "sum", sent.buffer);
        const made = await bytesOf((await ask(socket, "make-binary", 60_000))[0]);
        const intact = made.length === 60_000 && made.every((byte, i) => byte === i % 251);
        return { length, sum: sum === sent.reduce((all, byte) => all + byte, 0), intact };
      }, options);
      assert.deepEqual(seen, { length: 60_000, sum: true, intact: true });
    });

    test("text and bytes stay in order", async (t) => {
      const { page } = await open(t);
      const heard = await page.evaluate(async (way) => {
        const { ask, connect } = globalThis.inPage;
        const socket = await connect(way);
        const numbers = [];
        const number = (value) =>
          typeof value === "number" ? value : new Uint8Array(value).at(0);
        socket.on("echo", (value) => numbers.push(number(value)));
        for (let i = 0; i < 60; i += 1) {
          const bytes = new Uint8Array([i]);
          const forms = [i, i, bytes.buffer, i, new Blob([bytes])];
          socket.emit("echo", forms[i % forms.length]);
        }
        await ask(socket, "echo-ack", "flushed");
        return numbers;
      }, options);
      assert.deepEqual(heard, [...Array(60).keys()]);
    });

    test("bytes in a room, from and to a client outside of the browser", async (t) => {
      const [{ page }, other] = await Promise.all([open(t), connect(t, server)]);
      const room = `${script.name}${how}`;
      await ack(other, "join", room);
      await page.evaluate(
        async ([way, name]) => {
          const { ask, connect, next, plain } = globalThis.inPage;
          globalThis.socket = await connect(way);
          await ask(globalThis.socket, "join", name);
          globalThis.news = next(globalThis.socket, "news").then(plain);
        },
        [options, room],
      );
      other.emit("to", [room], "news", "to the page", Buffer.from([1, 2]));
      assert.deepEqual(await page.evaluate("news"), ["to the page", arrived(1, 2)]);
      const news = next(other, "news");
      await page.evaluate((name) => {
        const bytes = new Uint8Array([3, 4]).buffer;
        globalThis.socket.emit("to", [name], "news", "from the page", bytes);
      }, room);
      assert.deepEqual(await news, ["from the page", Buffer.from([3, 4])]);
    });

    test("both sides learn of the end", async (t) => {
      // A stock client may take leave of a session that the server has ended.
      const { page } = await open(t, /status of 400/);
      const ends = await page.evaluate(async (way) => {
        const { ask, connect, next } = globalThis.inPage;
        const kicked = await connect(way);
        const leaving = await connect(way);
        const witness = await connect(way);
        const end = next(kicked, "disconnect");
        kicked.emit("kick", true);
        const [reason] = await end;
        const name = `a page ${Math.random()}`;
        await ask(leaving, "label", name);
        leaving.disconnect();
        for (let i = 0; i < 200; i += 1) {
          const [known] = await ask(witness, "reason-of", name);
          if (known) return [reason, known];
        }
        return [reason, "unknown"];
      }, options);
      assert.equal(ends[0], "io server disconnect");
      assert.match(ends[1], /^(client namespace disconnect|transport close)$/);
    });
  });
}

describe("JSONP from a page of another site", () => {
  test("the server decides before there is a session", async (t) => {
    // To a browser, another name of the same machine is another site.
    const elsewhere = server.url.replace("127.0.0.1", "localhost");
    const { page } = await openPage(t, place, elsewhere, SCRIPTS.v2, /403/);
    const outcome = await page.evaluate(
      async ([way, url]) => {
        const { connect } = globalThis.inPage;
        const refused = (error) => `refused: ${error.message ?? error}`;
        return connect(way, url).then(() => "connected", refused);
      },
      [JSONP, server.url],
    );
    // A script element of any page could ask: Node's server answers all of them.
    const rialto = "refused: jsonp poll error";
    assert.equal(outcome, pick({ reference: "connected", rialto }));
  });
});

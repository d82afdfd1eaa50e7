// MessagePack in Chromium: the bundle of Rialto's client and the stock one, beside npm's client
// with npm's parser in Node.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import parser from "socket.io-msgpack-parser";
import { SCRIPTS, arrived, chromium, openPage } from "./chromium.mjs";
import { TRANSPORTS, ack, connect, next } from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";

let server;
before(async () => {
  server = await start({ ...PATIENT, parser: "msgpack" });
});
after(() => server.kill());
const place = chromium({ before, after });

const { ownMsgpack, stockMsgpack, own } = SCRIPTS;

for (const script of [ownMsgpack, stockMsgpack]) {
  for (const { name, options, settled } of TRANSPORTS) {
    describe(`${script.name}, ${name}`, { concurrency: 2 }, () => {
      /** A page whose `socket` is connected, on the transport that the test is about. */
      const open = async (t, extra) => {
        const opened = await openPage(t, place, server.url, script);
        const way = { ...options, ...extra };
        await opened.page.evaluate(connectInPage, [way, settled]);
        return opened;
      };

      test("values of every kind come back as they were", async (t) => {
        const { page, requests } = await open(t);
        const { differences, transport } = await page.evaluate(async () => {
          const { ask, echo } = globalThis.inPage;
          const { socket } = globalThis;
          const bodies = [
            [],
            [null, true, false, "", "Ответ 🦀", "x".repeat(60_000), "\ufeffmark", "\0"],
            [0, -1, -32, -33, 127, 128, 255, 256, 65_535, 65_536, -128, -129, -32_768, -32_769],
            [2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 40), 2 ** 53 - 1, 1 - 2 ** 53, 1.5, -1e-300],
            [[], {}, [[[]]], { a: { b: ["c", { d: null }] } }, Array(20_000).fill(1)],
            [Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`name ${i}`, i]))],
          ];
          const differences = [];
          for (const body of bodies) {
            const sent = JSON.stringify(body);
            const answers = [await ask(socket, "echo-ack", ...body), await echo(socket, ...body)];
            for (const back of answers.map((answer) => JSON.stringify(answer))) {
              if (back !== sent) differences.push([sent, back]);
            }
          }
          return { differences, transport: (await ask(socket, "info"))[0].transport };
        });
        assert.deepEqual(differences, []);
        if (settled) assert.equal(transport, settled);
        const sockets = requests.filter(({ kind }) => kind === "websocket");
        assert.equal(sockets.length, settled === "polling" ? 0 : 1);
      });

      test("bytes stay where they are, both ways", async (t) => {
        const { page } = await open(t);
        const [many, sum, made, answer] = await page.evaluate(async () => {
          const { ask, bytesOf, next, plain } = globalThis.inPage;
          const { socket } = globalThis;
          const bytes = (...list) => new Uint8Array(list).buffer;
          const parts = Array.from({ length: 40 }, (_, i) => ({ part: bytes(i, 255 - i), i }));
          const many = await ask(socket, "echo-ack", bytes(), ...parts);
          const sum = await ask(socket, "sum", bytes(1, 2, 3));
          const made = await bytesOf((await ask(socket, "make-binary", 70_000))[0]);
          socket.on("question", (given, give) => give({ given }));
          const answer = next(socket, "answer");
          socket.emit("ask", bytes(9));
          const intact = made.length === 70_000 && made.every((byte, i) => byte === i % 251);
          return plain([many, sum, intact, await answer]);
        });
        const parts = Array.from({ length: 40 }, (_, i) => ({ part: arrived(i, 255 - i), i }));
        assert.deepEqual(many, [arrived(), ...parts]);
        assert.deepEqual([sum, made, answer], [[3, 6], true, [{ given: arrived(9) }]]);
      });

      test("a date, undefined, a member that is a function", async (t) => {
        const { page } = await open(t);
        const back = await page.evaluate(async () => {
          const { ask, plain } = globalThis.inPage;
          const at = new Date(1_763_730_000_123);
          const back = await ask(globalThis.socket, "echo-ack", at, undefined, { f() {}, a: 1 });
          return plain([back[0], back[1] === undefined, back[1] === null, back[2]]);
        });
        // Rialto hands them on as JSON would.
        const [date, isUndefined] = pick({
          reference: [{ kind: "Date", time: 1_763_730_000_123 }, true],
          rialto: ["2025-11-21T13:00:00.123Z", false],
        });
        assert.deepEqual(back, [date, isUndefined, !isUndefined, { a: 1 }]);
      });

      test("news in a room, from and to npm's client in Node", async (t) => {
        const [{ page }, other] = await Promise.all([open(t), connect(t, server, { parser })]);
        const room = `${script.name} ${name}`;
        await ack(other, "join", room);
        await page.evaluate(async (joined) => {
          const { ask, next, plain } = globalThis.inPage;
          await ask(globalThis.socket, "join", joined);
          globalThis.news = next(globalThis.socket, "news").then(plain);
        }, room);
        other.emit("to", [room], "news", { text: "to the page", bytes: Buffer.from([0, 255]) });
        const [fromNode] = await page.evaluate("news");
        assert.deepEqual(fromNode, { text: "to the page", bytes: arrived(0, 255) });
        const news = next(other, "news");
        await page.evaluate((joined) => {
          const bytes = new Uint8Array([3, 4]).buffer;
          globalThis.socket.emit("to", [joined], "news", { text: "from the page", bytes });
        }, room);
        assert.deepEqual(await news, [{ text: "from the page", bytes: Buffer.from([3, 4]) }]);
      });

      test("logins, refusals with data, leaving", async (t) => {
        // A stock client may take leave of a session that the server has ended.
        const { page } = await openPage(t, place, server.url, script, /status of 400/);
        const seen = await page.evaluate(async (way) => {
          const { ask, connect, next, refused } = globalThis.inPage;
          const login = { ...way, auth: { token: "secret", deep: [{ x: 1 }] } };
          const admin = await connect(login, `${location.origin}/admin`);
          const [{ auth }] = await ask(admin, "handshake");
          const stranger = globalThis.io(`${location.origin}/admin`, { ...way, forceNew: true });
          const { message, data } = await refused(stranger);
          const end = next(admin, "disconnect");
          admin.emit("kick", true);
          return { auth, message, data, end: (await end)[0] };
        }, options);
        assert.deepEqual(seen, {
          auth: { token: "secret", deep: [{ x: 1 }] },
          message: "unauthorized",
          data: { code: 401, content: "no token" },
          end: "io server disconnect",
        });
      });
    });
  }
}

/** Runs inside the page: `socket`, connected, and on its transport if it shall settle on one. */
async function connectInPage([options, settled]) {
  const { connect, next } = globalThis.inPage;
  globalThis.socket = await connect(options);
  const { engine } = globalThis.socket.io;
  if (settled === "websocket" && engine.transport.name !== settled) await next(engine, "upgrade");
}

describe("Rialto's client alone", () => {
  for (const { name, options } of TRANSPORTS.slice(0, 2)) {
    test(`views are their bytes, and a Blob waits in its place, ${name}`, async (t) => {
      const { page } = await openPage(t, place, server.url, ownMsgpack);
      await page.evaluate(connectInPage, [options]);
      const heard = await page.evaluate(async () => {
        const { ask, plain } = globalThis.inPage;
        const heard = [];
        globalThis.socket.on("echo", (...args) => heard.push(args));
        const every = Uint8Array.from({ length: 256 }, (_, i) => i);
        globalThis.socket.emit("echo", every.subarray(250, 253), new DataView(every.buffer, 7, 1));
        const file = new File(["né"], "a.txt");
        globalThis.socket.emit("echo", { file, after: [new Blob([])] }, 1);
        globalThis.socket.emit("echo", "last");
        await ask(globalThis.socket, "echo-ack", "flushed");
        return plain(heard);
      });
      assert.deepEqual(heard, [
        [arrived(250, 251, 252), arrived(7)],
        [{ file: arrived(0x6e, 0xc3, 0xa9), after: [arrived()] }, 1],
        ["last"],
      ]);
    });
  }

  test("what cannot be packed throws, a deep value too; the connection goes on", async (t) => {
    const { page } = await openPage(t, place, server.url, ownMsgpack);
    await page.evaluate(connectInPage, [{}]);
    const seen = await page.evaluate(async () => {
      const { ask } = globalThis.inPage;
      const cycle = [];
      cycle.push(cycle);
      const deep = (levels) => Array.from({ length: levels }).reduce((inner) => [inner], []);
      const thrown = [cycle, () => {}, 2n ** 64n, deep(200)].map((value) => {
        try {
          globalThis.socket.emit("echo", value, "not an ack");
        } catch (error) {
          return error.name;
        }
        return "nothing";
      });
      // As deep as the server reads: around it are the packet, and its arguments.
      const deepest = deep(125);
      const [back] = await ask(globalThis.socket, "echo-ack", deepest);
      return { thrown, same: JSON.stringify(back) === JSON.stringify(deepest) };
    });
    const thrown = ["RangeError", "TypeError", "RangeError", "RangeError"];
    assert.deepEqual(seen, { thrown, same: true });
  });
});

describe("the bundles as the server serves them", () => {
  test("socket.io.msgpack.min.js speaks to the server that serves it", async (t) => {
    const url = "/socket.io/socket.io.msgpack.min.js";
    const { page } = await openPage(t, place, server.url, { url });
    await page.evaluate(connectInPage, [{}]);
    const bytes = await page.evaluate(async () => {
      const { ask, plain } = globalThis.inPage;
      return plain(await ask(globalThis.socket, "echo-ack", new Uint8Array([5]).buffer));
    });
    assert.deepEqual(bytes, [arrived(5)]);
  });

  test("socket.io.min.js speaks JSON: it is not let in", async (t) => {
    const { page } = await openPage(t, place, server.url, own);
    const reason = await page.evaluate(async () => {
      const { next } = globalThis.inPage;
      const socket = globalThis.io({ transports: ["websocket"], reconnection: false });
      return (await next(socket.io, "close"))[0];
    });
    assert.equal(reason, "transport close");
  });
});

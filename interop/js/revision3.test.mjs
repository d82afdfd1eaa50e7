// Engine.IO 3 byte by byte: what no package of its time shows, and what it must not do.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Socket as Socket3 } from "./engine3.mjs";
import { DEADLINE_MS, next, pause } from "./clients.mjs";
import { PATIENT, pick, start } from "./server.mjs";
import { WebSocket } from "ws";

/** What the reference ignores, or takes for an error. */
const SKIPPED = pick({ reference: "the reference does otherwise", rialto: false });
const BINARY = "application/octet-stream";

let server;
before(async () => {
  server = await start({ ...PATIENT, eio3: "on", cors: "off" });
});
after(() => server.kill());

/** One request: `{ status, type, text, bytes, headers }`. */
async function ask(target, init = {}) {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(server.url + target, { signal, ...init });
  const bytes = Buffer.from(await response.arrayBuffer());
  const { status, headers } = response;
  return { status, type: headers.get("content-type"), text: bytes.toString(), bytes, headers };
}

/** A session of the echo on polling; `query` is on each of its requests. */
async function open(query = "", path = "/engine.io/") {
  const base = `${path}?EIO=3&transport=polling${query}`;
  const { text, type, headers } = await ask(base);
  const json = /\{.*?\}/.exec(text)[0];
  const { sid } = JSON.parse(json.replaceAll('\\"', '"'));
  const url = `${base}&sid=${sid}`;
  const post = (body, kind = "text/plain;charset=UTF-8") =>
    ask(url, { method: "POST", body, headers: { "Content-Type": kind } });
  return { sid, url, text, type, headers, poll: () => ask(url), post };
}

/** Polls until so many bytes have come: answers of the echo may come in parts. */
async function collectBytes(session, length) {
  const parts = [];
  const types = [];
  for (let size = 0; size < length; ) {
    const { bytes, type } = await session.poll();
    parts.push(bytes);
    types.push(type);
    size += bytes.length;
  }
  return { bytes: Buffer.concat(parts), types };
}

describe("polling", { concurrency: true }, () => {
  test("the handshake gives the length of its packet", async () => {
    const { text, sid } = await open();
    const [, length, packet] = /^(\d+):(0\{.*\})/s.exec(text);
    assert.equal(Number(length), packet.length);
    assert.equal(sid.length, 20);
  });

  test("a missing EIO counts as 3", async () => {
    const { text } = await ask("/engine.io/?transport=polling");
    assert.match(text, /^\d+:0\{/);
  });

  test("lengths count UTF-16 units, both ways", async () => {
    const session = await open();
    const packets = ["4€", "4🦀a", "4x"];
    const body = packets.map((packet) => `${packet.length}:${packet}`).join("");
    assert.equal(body, "2:4€4:4🦀a2:4x");
    const { status, text } = await session.post(body);
    assert.deepEqual([status, text], [200, "ok"]);
    const { bytes } = await collectBytes(session, Buffer.byteLength(body));
    assert.equal(bytes.toString(), body);
  });

  test("a ping is answered with a pong", async () => {
    const session = await open();
    await session.post("1:2");
    assert.equal((await session.poll()).text, "1:3");
  });

  test("pings alone fill no memory", async () => {
    const session = await open();
    // As many packets as a body may hold.
    const pings = "1:2".repeat(16_384);
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await session.post(pings)).status, 200);
    }
    const { text } = await session.poll();
    // The reference has an answer to each.
    assert.equal(text === "1:3", pick({ reference: false, rialto: true }));
  });

  test("binary goes out as it is, in a body of bytes", async () => {
    const session = await open();
    const body = Buffer.from([1, 4, 255, 4, 0, 255, 7]);
    assert.equal((await session.post(body, BINARY)).status, 200);
    const { bytes, types } = await collectBytes(session, body.length);
    assert.deepEqual(bytes, body);
    assert.deepEqual(types, [BINARY]);
  });

  test("in a body of bytes, text is counted in bytes", async () => {
    const session = await open();
    const body = Buffer.concat([
      Buffer.from([0, 4, 255]),
      Buffer.from("4€"),
      Buffer.from([1, 1, 2, 255, 4]),
      Buffer.alloc(11, 9),
    ]);
    await session.post(body, BINARY);
    const parts = [];
    while (parts.join().length < 4 || !parts.at(-1).includes(9)) {
      parts.push((await session.poll()).bytes);
    }
    // The two echoes may come in one answer or in two; alone, text is a body of text.
    const all = Buffer.concat(parts);
    assert.ok(all.includes(Buffer.from("4€")));
    assert.deepEqual(all.subarray(-16), body.subarray(-16));
  });

  test("who asks for base64 gets it", async () => {
    const session = await open("&b64=1");
    await session.post("6:b4AQID");
    const { text, type } = await session.poll();
    assert.equal(text, "6:b4AQID");
    assert.match(type, /^text\/plain/);
  });

  for (const [what, body, type] of [
    ["nothing", ""],
    ["no length", "4a"],
    ["a length that is no number", "x:4a"],
    ["a length beyond the body", "9:4a"],
    ["half a character", "2:4🦀"],
    ["an unknown type", "1:9"],
    ["the separator of protocol 4", "4a\u001e4b"],
    ["a pong", "1:3"],
    ["a length without end", Buffer.alloc(400, 1), BINARY],
  ]) {
    // The reference answers before it looks.
    test(`a body of ${what} ends the session`, async () => {
      const session = await open();
      const waiting = session.poll();
      const { status } = await session.post(body, type);
      assert.equal(status, pick({ reference: 200, rialto: 400 }));
      await waiting;
      const { status: after } = await session.poll();
      assert.equal(after, 400);
    });
  }

  // The reference takes what there is.
  test("binary that is not whole ends the session", { skip: SKIPPED }, async () => {
    const session = await open();
    assert.equal((await session.post(Buffer.from([1, 9, 255, 4]), BINARY)).status, 400);
    assert.equal((await session.poll()).status, 400);
  });

  test("requests of the other revision are not its own", async () => {
    const session = await open();
    const crossed = await ask(session.url.replace("EIO=3", "EIO=4"));
    assert.equal(crossed.status, 400);
  });

  test("a client that is silent is gone after interval and timeout together", async (t) => {
    const strict = await start({ eio3: "on", pingInterval: 300, pingTimeout: 300 });
    t.after(() => strict.kill());
    const url = strict.url.replace("http", "ws");
    const socket = new WebSocket(`${url}/engine.io/?EIO=3&transport=websocket`);
    const began = performance.now();
    const [code] = await next(socket, "close");
    assert.ok(performance.now() - began > 550, "no earlier than 600 ms");
    assert.equal(typeof code, "number");
  });
});

describe("WebSocket", { concurrency: true }, () => {
  const url = (query = "") =>
    `${server.url.replace("http", "ws")}/engine.io/?EIO=3&transport=websocket${query}`;

  async function connected(t, query) {
    const socket = new WebSocket(url(query));
    t.after(() => socket.terminate());
    const messages = [];
    let wake = () => {};
    socket.on("message", (data, isBinary) => {
      messages.push(isBinary ? [...data] : data.toString());
      wake();
    });
    socket.take = async () => {
      while (messages.length === 0) {
        await Promise.race([new Promise((resolve) => (wake = resolve)), pause(DEADLINE_MS)]);
      }
      return messages.shift();
    };
    assert.match(await socket.take(), /^0\{/);
    return socket;
  }

  test("binary begins with its type", async (t) => {
    const socket = await connected(t, "");
    socket.send(Buffer.from([4, 0, 255]));
    assert.deepEqual(await socket.take(), [4, 0, 255]);
    socket.send("b4AAE=");
    assert.deepEqual(await socket.take(), [4, 0, 1]);
    socket.send(Buffer.from([4]));
    assert.deepEqual(await socket.take(), [4]);
  });

  test("who asks for base64 gets it", async (t) => {
    const socket = await connected(t, "&b64=1");
    socket.send(Buffer.from([4, 1, 2, 3]));
    assert.equal(await socket.take(), "b4AQID");
  });

  test("pings are answered in order with what is echoed", async (t) => {
    const socket = await connected(t, "");
    ["2", "4a", "2", "4b"].forEach((packet) => socket.send(packet));
    const heard = [];
    while (heard.length < 4) {
      heard.push(await socket.take());
    }
    assert.deepEqual(heard.toSorted(), ["3", "3", "4a", "4b"]);
  });

  for (const [what, packet, skip] of [
    ["a pong", "3"],
    ["an unknown type", "9"],
    ["an unknown type of binary", Buffer.from([9, 1]), SKIPPED],
    ["binary without a type", Buffer.alloc(0), SKIPPED],
  ]) {
    test(`${what} ends the session`, { skip }, async (t) => {
      const socket = await connected(t, "");
      const closed = next(socket, "close");
      socket.send(packet);
      await closed;
    });
  }

  test("what waits for polls moves to the WebSocket in its form", async (t) => {
    const session = await open();
    const socket = new WebSocket(`${url()}&sid=${session.sid}`);
    t.after(() => socket.terminate());
    await next(socket, "open");
    socket.send("2probe");
    const [probe] = await next(socket, "message");
    assert.equal(probe.toString(), "3probe");
    // The echo of this waits for a poll that never comes.
    await session.post(Buffer.from([1, 2, 255, 4, 9]), BINARY);
    await pause(50);
    const echoed = next(socket, "message");
    socket.send("5");
    const [data, isBinary] = await echoed;
    assert.deepEqual([[...data], isBinary], [[4, 9], true]);
  });

  test("a WebSocket of the other revision does not upgrade it", async (t) => {
    const session = await open();
    const socket = new WebSocket(`${url().replace("EIO=3", "EIO=4")}&sid=${session.sid}`);
    t.after(() => socket.terminate());
    await next(socket, "error");
    assert.equal((await session.post("1:2")).status, 200);
  });
});

describe("Socket.IO 2 by hand", { concurrency: true }, () => {
  /** The packets of a connection, greetings left out. */
  function speak(t, to, query = "") {
    const url = `${to.url.replace("http", "ws")}/socket.io/?EIO=3&transport=websocket${query}`;
    const socket = new WebSocket(url);
    t.after(() => socket.terminate());
    const heard = [];
    socket.on("message", (data) => heard.push(data.toString()));
    socket.expect = async (packet) => {
      const end = performance.now() + DEADLINE_MS;
      while (!heard.includes(packet)) {
        assert.ok(performance.now() < end, `no ${packet} in ${heard}`);
        await pause(10);
      }
    };
    return socket;
  }

  test("the main namespace is joined unasked, another by a path with a query", async (t) => {
    const socket = speak(t, server);
    await socket.expect("40");
    socket.send("40/chat?token=a%20b&token=c,");
    await socket.expect("40/chat,");
    socket.send('42/chat,1["handshake"]');
    const [answer] = await next(socket, "message");
    const packet = answer.toString();
    const all = packet.startsWith("43/chat,1") ? packet : (await next(socket, "message"))[0];
    assert.deepEqual(JSON.parse(all.toString().slice(9))[0].auth, { token: "c" });
    socket.send("40/nothing,");
    await socket.expect('44/nothing,{"message":"Invalid namespace"}');
  });

  test("asking for the main namespace changes nothing", { skip: SKIPPED }, async (t) => {
    const socket = speak(t, server);
    await socket.expect("40");
    socket.send("40");
    socket.send('420["echo-ack",1]');
    await socket.expect("430[1]");
  });

  test("who is refused there, and joins nothing else, is closed in time", async (t) => {
    const strict = await start({ eio3: "on", connectTimeout: 300 });
    t.after(() => strict.kill());
    const socket = speak(t, strict, "&fail=1");
    await Promise.all([socket.expect('44"main refused"'), next(socket, "close")]);
  });
});

describe("engine.io-client 3", { concurrency: true }, () => {
  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    for (const forceBase64 of [false, true]) {
      test(`echo by ${transports.join(", then ")}, base64: ${forceBase64}`, async (t) => {
        const socket = new Socket3(server.url, { path: "/engine.io", transports, forceBase64 });
        t.after(() => socket.close());
        await next(socket, "open");
        const heard = [];
        const all = new Promise((resolve) => {
          socket.on("message", (data) => {
            heard.push(typeof data === "string" ? data : Buffer.from(data).toString("hex"));
            return heard.length === 40 && resolve();
          });
        });
        const message = (_, i) => (i % 3 ? `é🦀${i}` : Buffer.from([i, 255]));
        const sent = Array.from({ length: 40 }, message);
        for (const data of sent) {
          socket.send(data);
          await pause(1);
        }
        await Promise.race([all, pause(DEADLINE_MS)]);
        assert.deepEqual(heard, sent.map((x) => (typeof x === "string" ? x : x.toString("hex"))));
        if (transports.length === 2) {
          assert.equal(socket.transport.name, "websocket");
        }
      });
    }
  }
});

describe("JSONP", { concurrency: true }, () => {
  const FORM = "application/x-www-form-urlencoded";
  /** What a script of the client's function is given. */
  const called = (text, index = "0") => {
    const [, name, json] = /^___eio\[(\d*)\]\((".*")\);$/s.exec(text);
    assert.equal(name, index);
    return JSON.parse(json);
  };

  test("answers are scripts that call the client's function", async () => {
    const { text, type, headers } = await ask("/engine.io/?EIO=3&transport=polling&j=7%29x");
    assert.match(called(text, "7"), /^\d+:0\{/);
    // The reference calls it plain text, which nosniff would keep from running.
    const script = pick({ reference: "text/plain", rialto: "text/javascript" });
    assert.ok(type.startsWith(script), type);
    const sniff = pick({ reference: null, rialto: "nosniff" });
    assert.equal(headers.get("x-content-type-options"), sniff);
  });

  test("a form carries packets, newlines and backslashes", async () => {
    const session = await open("&j=0");
    for (const message of ["plain", "ü🦀", "a\nb", "a\\nb", '"<\u2028>"', "a+b &d=c"]) {
      const packet = `4${message}`;
      const escaped = packet.replace(/\\n/g, "\\\n").replace(/\n/g, "\\n");
      const body = `d=${encodeURIComponent(`${packet.length}:${escaped}`)}`;
      const { status, text } = await session.post(body, FORM);
      assert.deepEqual([status, text], [200, "ok"]);
      const script = (await session.poll()).text;
      assert.ok(!script.includes("\u2028"));
      assert.equal(called(script), `${packet.length}:${packet}`);
    }
  });

  test("binary is base64, asked for or not", async () => {
    const session = await open("&j=0&b64=1");
    await session.post(`d=${encodeURIComponent("6:b4AQID")}`, FORM);
    assert.equal(called((await session.poll()).text), "6:b4AQID");
  });

  test("a form without the field ends the session", { skip: SKIPPED }, async () => {
    const session = await open("&j=0");
    assert.equal((await session.post("x=1", FORM)).status, 400);
    assert.equal((await session.poll()).status, 400);
  });

  // The reference lets every page in.
  for (const [headers, status] of [
    [{}, 200],
    [{ "Sec-Fetch-Site": "same-origin" }, 200],
    [{ Referer: "http://evil.test/page" }, 403],
    [{ "Sec-Fetch-Site": "cross-site" }, 403],
  ]) {
    test(`a page with ${JSON.stringify(headers)} gets ${status}`, async () => {
      const answer = await ask("/engine.io/?EIO=3&transport=polling&j=0", { headers });
      assert.equal(answer.status, pick({ reference: 200, rialto: status }));
    });
  }

  test("clients of protocol 4 may ask by it as well", async () => {
    const base = "/engine.io/?EIO=4&transport=polling&j=2";
    const { sid } = JSON.parse(called((await ask(base)).text, "2").slice(1));
    const headers = { "Content-Type": FORM };
    const posted = await ask(`${base}&sid=${sid}`, { method: "POST", body: "d=4a", headers });
    assert.equal(posted.text, "ok");
    assert.equal(called((await ask(`${base}&sid=${sid}`)).text, "2"), "4a");
  });

  test("Socket.IO by hand: joined unasked, an event, an ack", async () => {
    const session = await open("&j=0", "/socket.io/");
    let heard = session.text;
    while (!heard.includes("welcome")) {
      heard += (await session.poll()).text;
    }
    assert.match(heard, /2:40/);
    const packet = '420["echo-ack",1]';
    await session.post(`d=${encodeURIComponent(`${packet.length}:${packet}`)}`, FORM);
    assert.equal(called((await session.poll()).text), "6:430[1]");
  });
});

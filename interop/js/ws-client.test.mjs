// Rialto's WebSocket client against the npm server: it is a small program that sends back what it
// gets and says on stdout how the connection opened and ended.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import http from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { WebSocketServer } from "ws";
import { next } from "./clients.mjs";
import { SUBJECT, program } from "./server.mjs";

/** How long the client may take to say what it sees. */
const LINE_MS = 8_000;

/** The client's command line. */
function commandLine() {
  return SUBJECT === "reference"
    ? [process.execPath, path.join(import.meta.dirname, "reference-ws-client.mjs")]
    : [program("ws-client")];
}

/** Starts the client; gives back what it says, line by line. The test's end kills it. */
function client(t, url, args = []) {
  const [file, ...fixed] = commandLine();
  const child = spawn(file, [...fixed, url, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    const late = new Promise((resolve) => setTimeout(resolve, LINE_MS).unref());
    const line = await Promise.race([lines.next(), late]);
    assert.ok(line && !line.done, "the client says something");
    return JSON.parse(line.value);
  };
}

/** A server; the test's end closes it and cuts its connections. */
async function serve(t, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  t.after(() => {
    server.clients.forEach((peer) => peer.terminate());
    server.close();
  });
  await next(server, "listening");
  return [server, `ws://127.0.0.1:${server.address().port}/`];
}

/** A server and a client that are connected: `{ peer, says, request, opened }`. */
async function connected(t, { args, ...options } = {}) {
  const [server, url] = await serve(t, options);
  const arrival = next(server, "connection");
  const says = client(t, url, args);
  const [peer, request] = await arrival;
  peer.on("error", () => {});
  return { peer, request, says, opened: (await says()).open };
}

/** The next message: text as a string, binary as a Buffer. */
async function received(peer) {
  const [data, isBinary] = await next(peer, "message");
  return isBinary ? data : data.toString();
}

async function echoed(peer, data) {
  const answer = received(peer);
  peer.send(data);
  return answer;
}

/** Waits for the close: `[code, reason]`. */
async function closed(peer) {
  const [code, reason] = await next(peer, "close");
  return [code, reason.toString()];
}

describe("messages", { concurrency: true }, () => {
  test("text comes back as text", async (t) => {
    const { peer } = await connected(t);
    const texts = ["", "hello", "Привет, мир", "🦀👩‍👩‍👧", "\u0000\u001e\u007f", "\ufeff"];
    for (const text of texts) {
      assert.equal(await echoed(peer, text), text);
    }
  });

  test("binary comes back as binary, every byte, and none", async (t) => {
    const { peer } = await connected(t);
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    assert.deepEqual(await echoed(peer, every), every);
    assert.deepEqual(await echoed(peer, Buffer.alloc(0)), Buffer.alloc(0));
  });

  test("each form of a frame's length", async (t) => {
    const { peer } = await connected(t);
    for (const size of [1, 125, 126, 127, 65_535, 65_536, 1_000_003]) {
      const bytes = randomBytes(size);
      assert.deepEqual(await echoed(peer, bytes), bytes);
    }
  });

  test("a large message", async (t) => {
    const { peer } = await connected(t, { args: ["--max-message", "20000000"] });
    const bytes = randomBytes(20_000_000);
    assert.ok((await echoed(peer, bytes)).equals(bytes));
    const text = "я".repeat(5_000_000);
    assert.ok((await echoed(peer, text)) === text);
  });

  test("two thousand at once keep their order", async (t) => {
    const { peer } = await connected(t);
    const sent = Array.from({ length: 2_000 }, (_, i) => `${i}:${"x".repeat(i % 300)}`);
    const seen = [];
    const all = new Promise((resolve) => {
      peer.on("message", (data) => seen.push(data.toString()) === sent.length && resolve());
    });
    sent.forEach((text) => peer.send(text));
    await all;
    assert.deepEqual(seen, sent);
  });

  test("fragments are one message, with a ping and an empty one between", async (t) => {
    const { peer } = await connected(t);
    const answer = received(peer);
    const pong = next(peer, "pong");
    const bytes = Buffer.from("много 🦀 частей");
    // Cut inside characters.
    for (let at = 0; at < bytes.length; at += 3) {
      peer.send(bytes.subarray(at, at + 3), { binary: false, fin: false });
    }
    peer.ping("between");
    peer.send("", { binary: false, fin: false });
    peer.send("", { binary: false, fin: true });
    assert.equal((await pong)[0].toString(), "between");
    assert.equal(await answer, bytes.toString());
  });

  for (const [name, settings] of Object.entries({
    "anew for each message": { threshold: 0 },
    "with windows of 512 bytes": {
      threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9,
    },
  })) {
    test(`a server that has compression is asked for it: ${name}`, async (t) => {
      const { peer } = await connected(t, { perMessageDeflate: settings });
      assert.equal(peer.extensions, "permessage-deflate");
      for (const text of ["", "x", "Привет ".repeat(50_000), "y".repeat(5_000)]) {
        assert.equal(await echoed(peer, text), text);
      }
    });
  }
});

describe("pings", { concurrency: true }, () => {
  test("the server's are answered with their payload", async (t) => {
    const { peer } = await connected(t);
    for (const payload of ["", "hello", "x".repeat(125)]) {
      const pong = next(peer, "pong");
      peer.ping(payload);
      assert.equal((await pong)[0].toString(), payload);
    }
  });

  test("the client's own arrive, and the pong does no harm", async (t) => {
    const { peer } = await connected(t);
    const ping = next(peer, "ping");
    peer.send("ping:are you there");
    assert.equal((await ping)[0].toString(), "are you there");
    peer.pong("nobody asked");
    assert.equal(await echoed(peer, "on"), "on");
  });
});

describe("closing", { concurrency: true }, () => {
  for (const [code, reason] of [
    [1000, ""],
    [1000, "until tomorrow"],
    [1001, "going away"],
    [1011, "сломалось"],
    [3000, "registered"],
    [4999, "x".repeat(123)],
  ]) {
    test(`the server closes with ${code} ${reason.slice(0, 20)}`, async (t) => {
      const { peer, says } = await connected(t);
      const end = closed(peer);
      peer.close(code, reason);
      assert.deepEqual(await says(), { close: { code, reason } });
      assert.equal((await end)[0], code);
    });

    test(`the client closes with ${code} ${reason.slice(0, 20)}`, async (t) => {
      const { peer, says } = await connected(t);
      const end = closed(peer);
      peer.send(`close:${code}:${reason}`);
      assert.deepEqual(await end, [code, reason]);
      assert.equal((await says()).close.code, code);
    });
  }

  test("the server closes without a code", async (t) => {
    const { peer, says } = await connected(t);
    peer.close();
    assert.deepEqual(await says(), { close: { code: 1005, reason: "" } });
  });

  test("what was sent before the close is answered before it", async (t) => {
    const { peer } = await connected(t);
    const seen = [];
    peer.on("message", (data) => seen.push(data.toString()));
    const end = closed(peer);
    peer.send("one");
    peer.send("two");
    peer.send("close:1000:");
    await end;
    assert.deepEqual(seen, ["one", "two"]);
  });

  test("a cut connection is told from a closed one", async (t) => {
    const { peer, says } = await connected(t);
    peer.terminate();
    assert.equal((await says()).failed.code, 1006);
  });
});

describe("a server that breaks the rules", { concurrency: true }, () => {
  const frames = {
    "a text that is not UTF-8": [1007, [0x81, 2, 0xc3, 0x28]],
    "an unknown opcode": [1002, [0x83, 0]],
    "a masked frame": [1002, [0x81, 0x81, 1, 2, 3, 4, 0x60]],
    "a reserved bit": [1002, [0xc1, 0]],
    "a continuation of nothing": [1002, [0x80, 0]],
    "a long ping": [1002, [0x89, 126, 0, 126, ...Buffer.alloc(126)]],
    "a close code that does not exist": [1002, [0x88, 2, 0x03, 0xed]],
  };
  for (const [name, [code, bytes]] of Object.entries(frames)) {
    test(`${name}: ${code}`, async (t) => {
      const { peer, says } = await connected(t);
      const end = closed(peer);
      peer._socket.write(Buffer.from(bytes));
      assert.equal((await says()).failed.code, code);
      assert.equal((await end)[0], code);
    });
  }

  test("a message over the client's limit: 1009", async (t) => {
    const { peer, says } = await connected(t, { args: ["--max-message", "1000"] });
    assert.equal((await echoed(peer, "x".repeat(1_000))).length, 1_000);
    const end = closed(peer);
    peer.send("x".repeat(1_001));
    assert.equal((await says()).failed.code, 1009);
    assert.equal((await end)[0], 1009);
  });

  test("fragments that are too much together: 1009", async (t) => {
    const { peer, says } = await connected(t, { args: ["--max-message", "1000"] });
    const end = closed(peer);
    for (let i = 0; i < 3; i += 1) {
      peer.send("x".repeat(400), { fin: false });
    }
    assert.equal((await says()).failed.code, 1009);
    assert.equal((await end)[0], 1009);
  });
});

describe("handshakes", { concurrency: true }, () => {
  const offer = ["--protocol", "chat.v2", "--protocol", "chat.v1"];

  test("the server chooses a subprotocol", async (t) => {
    const options = { args: offer, handleProtocols: () => "chat.v1" };
    const { opened, request } = await connected(t, options);
    assert.equal(opened.protocol, "chat.v1");
    assert.deepEqual(request.headers["sec-websocket-protocol"].split(/, ?/), [
      "chat.v2",
      "chat.v1",
    ]);
  });

  test("a subprotocol that was not offered is refused", async (t) => {
    const [, url] = await serve(t, { handleProtocols: () => "chat.v9" });
    assert.ok((await client(t, url, offer)()).failed);
  });

  test("header fields, path and query come through", async (t) => {
    const [server, url] = await serve(t);
    const arrival = next(server, "connection");
    client(t, `${url}deep/er?a=1&b=%20`, ["--header", "X-Test:yes"]);
    const [, { url: target, headers }] = await arrival;
    assert.equal(target, "/deep/er?a=1&b=%20");
    assert.equal(headers["x-test"], "yes");
    assert.equal(headers.host, new URL(url).host);
    assert.equal(headers["sec-websocket-version"], "13");
    assert.equal(Buffer.from(headers["sec-websocket-key"], "base64").length, 16);
  });

  for (const status of [401, 403, 404, 503]) {
    test(`refused with ${status}`, async (t) => {
      const [, url] = await serve(t, { verifyClient: (_info, done) => done(false, status) });
      assert.equal((await client(t, url)()).failed.status, status);
    });
  }

  /** A server that answers each upgrade with these bytes. */
  async function answering(t, bytes) {
    const server = http.createServer();
    server.on("upgrade", (_request, socket) => socket.end(bytes));
    server.listen(0, "127.0.0.1");
    t.after(() => server.close());
    await next(server, "listening");
    return `ws://127.0.0.1:${server.address().port}/`;
  }

  const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  for (const [name, bytes] of Object.entries({
    "the wrong key": `${head}Upgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n`,
    "no key": `${head}Upgrade: websocket\r\n\r\n`,
    "another protocol": `${head}Upgrade: h2c\r\n\r\n`,
    nonsense: "GARBAGE\r\n\r\n",
    nothing: "",
  })) {
    test(`an answer with ${name} is no WebSocket`, async (t) => {
      assert.ok((await client(t, await answering(t, bytes))()).failed);
    });
  }

  test("an extension that was not offered is refused", async (t) => {
    const [server, url] = await serve(t);
    server.on("headers", (headers) => headers.push("Sec-WebSocket-Extensions: x-unknown"));
    assert.ok((await client(t, url)()).failed);
  });

  test("nobody listens", async (t) => {
    const [server, url] = await serve(t);
    server.close();
    await next(server, "close");
    const { failed } = await client(t, url)();
    assert.equal(failed.status, null);
    assert.match(failed.error, /refused/i);
  });
});

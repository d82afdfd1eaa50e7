// permessage-deflate with the npm package: its client against `ws-echo`, its server against
// `ws-client`, with every one of the four parameters asked for by either side; and `wscat`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { next } from "./clients.mjs";
import { SUBJECT, program } from "./server.mjs";

/** How long a program may take to say its line. */
const LINE_MS = 15_000;

/** Each parameter alone, all of them, and none; the windows are those that zlib knows. */
const VARIANTS = {
  "as it comes": {},
  "the server starts anew": { serverNoContextTakeover: true },
  "the client starts anew": { clientNoContextTakeover: true },
  "both keep their contexts": { serverNoContextTakeover: false, clientNoContextTakeover: false },
  "the server's window is 9": { serverMaxWindowBits: 9 },
  "the server's window is 12, kept": { serverMaxWindowBits: 12, serverNoContextTakeover: false },
  "the client's window is 10": { clientMaxWindowBits: 10 },
  "the client's window is 9, kept": { clientMaxWindowBits: 9, clientNoContextTakeover: false },
  "all four": {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 11,
  },
};

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const args = (flags) =>
  Object.entries(flags).flatMap(([name, value]) =>
    name === "pieces" ? ["--pieces"] : [`--${kebab(name)}`, String(value)],
  );

/** Starts a program of ours, or its yardstick; gives back its lines. The test's end kills it. */
function start(t, name, words) {
  const [file, ...fixed] =
    SUBJECT === "reference"
      ? [process.execPath, path.join(import.meta.dirname, `reference-${name}.mjs`)]
      : [program(name)];
  const child = spawn(file, [...fixed, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    const late = new Promise((resolve) => setTimeout(resolve, LINE_MS).unref());
    const line = await Promise.race([lines.next(), late]);
    assert.ok(line && !line.done, `${name} says something`);
    return line.value;
  };
}

/** Our echo server; gives back its URL. */
async function echo(t, flags = {}) {
  const line = await start(t, "ws-echo", args(flags))();
  return line.replace("listening on ", "");
}

/** Sends, waits for the echo, and gives back how many bytes came for it. */
async function echoed(socket, data, options = {}) {
  const before = socket._socket.bytesRead;
  const answer = next(socket, "message");
  socket.send(data, options);
  const [back, isBinary] = await answer;
  assert.equal(isBinary, Buffer.isBuffer(data));
  assert.ok(Buffer.from(data).equals(back), `${data.length} bytes come back as they were`);
  return socket._socket.bytesRead - before;
}

/** Messages of every kind, in an order in which contexts and pooled buffers could be mixed up. */
async function talk(socket) {
  const text = "What news on the Rialto? ".repeat(400);
  for (let round = 0; round < 3; round += 1) {
    const came = await echoed(socket, text);
    assert.ok(came < text.length / 10, `${came} bytes for ${text.length}`);
    await echoed(socket, "short");
    await echoed(socket, "");
    await echoed(socket, randomBytes(20_000));
    await echoed(socket, Buffer.from(text.repeat(30)));
    await echoed(socket, text, { compress: false });
    await echoed(socket, `${"я".repeat(3_000)}🦀`);
  }
  const answer = next(socket, "message");
  const pong = next(socket, "pong");
  socket.send(text, { fin: false });
  socket.ping("between");
  assert.equal((await pong)[0].toString(), "between");
  socket.send(text, { fin: true });
  assert.equal((await answer)[0].toString(), text + text);
  const end = next(socket, "close");
  socket.close(1000);
  assert.equal((await end)[0], 1000);
}

/** A wish as an option of the package, to which `false` means that a peer may not ask for it. */
function npm(wish) {
  const named = Object.entries(wish).filter(([, value]) => value !== false);
  return { threshold: 0, ...Object.fromEntries(named) };
}

/** What was agreed on holds what was asked for. */
function agreed(socket, wish) {
  assert.equal(socket.extensions, "permessage-deflate");
  const { params } = socket._extensions["permessage-deflate"];
  for (const side of ["server", "client"]) {
    if (wish[`${side}NoContextTakeover`]) {
      assert.equal(params[`${side}_no_context_takeover`], true, JSON.stringify(params));
    }
    const bits = wish[`${side}MaxWindowBits`];
    if (bits) {
      assert.ok(params[`${side}_max_window_bits`] <= bits, JSON.stringify(params));
    }
  }
}

describe("the npm client asks our server", { concurrency: 2 }, () => {
  for (const [name, wish] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const url = await echo(t, {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
      });
      const socket = new WebSocket(url, { perMessageDeflate: npm(wish) });
      t.after(() => socket.terminate());
      await next(socket, "open");
      agreed(socket, wish);
      await talk(socket);
    });
  }
});

describe("our server asks the npm client", { concurrency: 2 }, () => {
  for (const [name, wish] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const url = await echo(t, wish);
      const socket = new WebSocket(url, { perMessageDeflate: npm({}) });
      t.after(() => socket.terminate());
      await next(socket, "open");
      agreed(socket, wish);
      await talk(socket);
    });
  }

  test("a server without compression", async (t) => {
    const url = await echo(t, { deflate: "off" });
    const socket = new WebSocket(url, { perMessageDeflate: true });
    t.after(() => socket.terminate());
    await next(socket, "open");
    assert.equal(socket.extensions, "");
    await echoed(socket, "x".repeat(10_000));
  });
});

/** Fragments that the package compresses one by one, with a context that it may keep. */
async function fragments(socket) {
  for (let round = 0; round < 3; round += 1) {
    const parts = ["What news ", "on the Rialto? ".repeat(9_000), "", "🦀".repeat(700)];
    parts.push(randomBytes(30_000).toString("base64"));
    const answer = next(socket, "message");
    parts.forEach((part, at) => socket.send(part, { fin: at === parts.length - 1 }));
    assert.equal((await answer)[0].toString(), parts.join(""));
  }
}

describe("messages in pieces, both ways", { concurrency: 2 }, () => {
  for (const [name, wish] of Object.entries(VARIANTS)) {
    test(`our server, ${name}`, async (t) => {
      const url = await echo(t, { ...wish, pieces: true });
      const socket = new WebSocket(url, { perMessageDeflate: npm({}) });
      t.after(() => socket.terminate());
      await next(socket, "open");
      agreed(socket, wish);
      await fragments(socket);
      await talk(socket);
    });

    test(`our client, ${name}`, async (t) => {
      const peer = await called(t, npm({}), { ...wish, pieces: true });
      agreed(peer, { ...wish, clientMaxWindowBits: undefined });
      await fragments(peer);
      await talk(peer);
    });
  }

  test("a message that grows far beyond what was sent", async (t) => {
    const url = await echo(t, { pieces: true });
    const socket = new WebSocket(url, { perMessageDeflate: npm({}), maxPayload: 1 << 25 });
    t.after(() => socket.terminate());
    await next(socket, "open");
    const came = await echoed(socket, Buffer.alloc(1 << 23, "Rialto "));
    assert.ok(came < 1 << 18, `${came} bytes`);
  });
});

/** A server of the npm package, and our client on it. */
async function called(t, perMessageDeflate, flags) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  t.after(() => {
    server.clients.forEach((peer) => peer.terminate());
    server.close();
  });
  await next(server, "listening");
  const arrival = next(server, "connection");
  const says = start(t, "ws-client", [`ws://127.0.0.1:${server.address().port}/`, ...args(flags)]);
  const [peer] = await arrival;
  assert.ok(JSON.parse(await says()).open, "the client is connected");
  return peer;
}

describe("our client asks the npm server", { concurrency: 2 }, () => {
  for (const [name, wish] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const peer = await called(t, npm({}), wish);
      // Its own window a client may make smaller without a word.
      agreed(peer, { ...wish, clientMaxWindowBits: undefined });
      await talk(peer);
    });
  }

  test("a client without compression", async (t) => {
    const peer = await called(t, npm({}), { deflate: "off" });
    assert.equal(peer.extensions, "");
    await echoed(peer, "x".repeat(10_000));
  });
});

describe("the npm server asks our client", { concurrency: 2 }, () => {
  for (const [name, wish] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const kept = { serverNoContextTakeover: false, clientNoContextTakeover: false };
      const peer = await called(t, npm(wish), kept);
      agreed(peer, wish);
      await talk(peer);
    });
  }
});

describe("wscat", { concurrency: 2 }, () => {
  /** Runs it and gives back what it prints. */
  async function wscat(t, ...words) {
    const file = path.join(import.meta.dirname, "node_modules/wscat/bin/wscat");
    // It ends at the end of its input.
    const child = spawn(process.execPath, [file, ...words], { stdio: "pipe" });
    t.after(() => child.kill("SIGKILL"));
    let said = "";
    child.stdout.on("data", (data) => (said += data));
    child.stderr.on("data", (data) => (said += data));
    const [code] = await next(child, "close");
    return [code, said];
  }

  test("it sends, and prints what comes back", async (t) => {
    const url = await echo(t);
    const long = "What news on the Rialto? ".repeat(100).trim();
    const [code, said] = await wscat(t, "-c", url, "-x", long, "-w", "1");
    assert.equal(code, 0, said);
    assert.ok(said.includes(long), said);
  });

  test("it names a subprotocol", async (t) => {
    const url = await echo(t, { protocol: "chat.v1" });
    const [code, said] = await wscat(t, "-c", url, "-s", "chat.v1", "-x", "hello", "-w", "1");
    assert.equal(code, 0, said);
    assert.match(said, /hello/);
    const [, refused] = await wscat(t, "-c", url, "-s", "chat.v9", "-x", "hello", "-w", "1");
    assert.match(refused, /Server sent no subprotocol/);
  });
});

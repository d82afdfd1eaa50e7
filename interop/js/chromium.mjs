// Socket.IO clients in Chromium, on a page of the contract server: which there are, how they are
// loaded, and what the tests run inside the page.

import assert from "node:assert/strict";
import path from "node:path";
import { startBrowser } from "./browser.mjs";

const HERE = import.meta.dirname;
const dist = (name, file) => path.join(HERE, "node_modules", name, "dist", file);
const own = (file) => path.join(HERE, "../../crates/rialto/client", file);

/** Scripts that set the global `io`, by their client; `protocol` is the revision of Engine.IO. */
export const SCRIPTS = {
  own: { name: "Rialto's client", file: own("socket.io.min.js"), protocol: 4 },
  ownMsgpack: { name: "Rialto's client", file: own("socket.io.msgpack.min.js"), protocol: 4 },
  stock: {
    name: "socket.io-client 4.8",
    file: dist("socket.io-client", "socket.io.js"),
    protocol: 4,
  },
  stockMsgpack: {
    name: "socket.io-client 4.8",
    file: dist("socket.io-client", "socket.io.msgpack.min.js"),
    protocol: 4,
  },
  v3: {
    name: "socket.io-client 3.1",
    file: dist("socket.io-client-3", "socket.io.js"),
    protocol: 4,
  },
  // In browsers these two take a view for an object.
  v2: {
    name: "socket.io-client 2.5",
    file: dist("socket.io-client-2", "socket.io.js"),
    protocol: 3,
    noViews: true,
  },
  v1: {
    name: "socket.io-client 1.7",
    file: dist("socket.io-client-1", "socket.io.js"),
    protocol: 3,
    noViews: true,
  },
};

/** One browser for a test file. */
export function chromium({ before, after }) {
  const place = {};
  before(async () => {
    place.browser = await startBrowser();
  });
  after(() => place.browser?.close());
  return place;
}

/**
 * A page of the server with the client's script, a path of this machine or of the server. At the
 * end of the test it is closed; whatever went wrong in it fails the test, unless `allow` says that
 * the test provokes it.
 *
 * Gives back the page and `requests`, the requests of transports: method, kind and address.
 */
export async function openPage(t, { browser }, base, { file, url }, allow) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const requests = [];
  const errors = [];
  page.on("pageerror", (error) => errors.push(`exception: ${error.stack}`));
  page.on("console", (message) => {
    // Chromium asks for an icon by itself, once.
    const expected = message.location().url.endsWith("/favicon.ico") || allow?.test(message.text());
    if (message.type() === "error" && !expected) errors.push(message.text());
  });
  page.on("request", (request) => {
    const address = request.url();
    if (!address.includes("transport=")) return;
    requests.push({ method: request.method(), kind: request.resourceType(), address });
  });
  page.on("websocket", (socket) => requests.push({ kind: "websocket", address: socket.url() }));
  t.after(async () => {
    await context.close();
    assert.deepEqual(errors, [], "errors in the page");
  });
  await page.goto(`${base}/ws.html`);
  await page.addScriptTag(url ? { url } : { path: file });
  await page.evaluate(install);
  return { page, requests };
}

/** Runs inside the page: what the tests' functions there use. */
function install() {
  const DEADLINE_MS = 8_000;
  const late = (what) =>
    new Promise((_, fail) => setTimeout(() => fail(new Error(`late: ${what}`)), DEADLINE_MS));

  /** Connects; the greeting is in `welcome`. `refused` is for those who want no greeting. */
  async function connect(options, url) {
    const socket = globalThis.io(url ?? location.origin, {
      reconnection: false,
      forceNew: true,
      ...options,
    });
    const greeting = next(socket, "welcome");
    const refusal = refused(socket).then((error) => Promise.reject(error));
    [socket.welcome] = await Promise.race([greeting, refusal]);
    refusal.catch(() => {});
    return socket;
  }

  function refused(socket) {
    return new Promise((resolve) => socket.once("connect_error", resolve));
  }

  function next(emitter, event) {
    const came = new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
    return Promise.race([came, late(event)]);
  }

  /** All that the acknowledgement carries. */
  function ask(socket, event, ...args) {
    const came = new Promise((resolve) => {
      socket.emit(event, ...args, (...values) => resolve(values));
    });
    return Promise.race([came, late(`ack of ${event}`)]);
  }

  /** The echo of an event. */
  async function echo(socket, ...args) {
    const came = next(socket, "echo");
    socket.emit("echo", ...args);
    return came;
  }

  /** A copy in which bytes are `{ kind, bytes }`, so that it can leave the page. */
  async function plain(value) {
    if (value instanceof Blob) return { kind: "Blob", bytes: await bytesOf(value) };
    if (value instanceof ArrayBuffer) return { kind: "ArrayBuffer", bytes: await bytesOf(value) };
    if (ArrayBuffer.isView(value)) return { kind: "view", bytes: await bytesOf(value) };
    if (value instanceof Date) return { kind: "Date", time: value.getTime() };
    if (Array.isArray(value)) return Promise.all(value.map(plain));
    if (typeof value !== "object" || value === null) return value;
    const members = {};
    for (const [name, member] of Object.entries(value)) members[name] = await plain(member);
    return members;
  }

  async function bytesOf(binary) {
    return [...new Uint8Array(await new Blob([binary]).arrayBuffer())];
  }

  globalThis.inPage = { ask, bytesOf, connect, echo, next, plain, refused };
}

/** How `plain` shows bytes that came from the server. */
export const arrived = (...bytes) => ({ kind: "ArrayBuffer", bytes });

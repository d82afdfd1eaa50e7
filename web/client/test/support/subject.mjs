// Which client is tested: SUBJECT=source (default), bundle, classic, msgpack, or stock. The
// behaviour tests pass with the stock socket.io-client too: they state what the reference does.
// With msgpack, the server has npm's socket.io-msgpack-parser.

import { readFile } from "node:fs/promises";
import vm from "node:vm";

import { WebSocket } from "ws";

export const subject = process.env.SUBJECT ?? "source";

const built = (name) => new URL(`../../../../crates/rialto/client/${name}`, import.meta.url);

async function script(name) {
  vm.runInThisContext(await readFile(built(name), "utf8"));
  return { io: globalThis.io, Manager: globalThis.io.Manager, default: globalThis.io };
}

const loaders = {
  source: () => import("../../src/index.js"),
  bundle: () => import(built("socket.io.esm.min.js")),
  stock: () => import("socket.io-client"),
  classic: () => script("socket.io.js"),
  msgpack: () => script("socket.io.msgpack.min.js"),
};

if (!Object.hasOwn(loaders, subject)) throw new Error(`SUBJECT=${subject} is not known`);

export const client = await loaders[subject]();
export const { io, Manager } = client;

/** Node 20 has no WebSocket of its own; the stock client brings one along and ignores this. */
export const nodeOptions = { WebSocket };

/** For tests whose server reads and writes packets by hand, as JSON. */
export const needsJson = {
  skip: subject === "msgpack" ? "packets of this test are JSON" : false,
};

const DEADLINE = 5000;

/** The arguments of the next event of that name; an event that does not come fails the test. */
export function next(emitter, event, milliseconds = DEADLINE) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no "${event}" in ${milliseconds} ms`));
    }, milliseconds);
    emitter.once(event, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

/** Waits until a condition holds, checking often. */
export async function until(condition, milliseconds = DEADLINE) {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not true in ${milliseconds} ms: ${condition}`);
    await sleep(5);
  }
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Bytes of whatever a client delivers for binary: stock gives a Buffer, ours an ArrayBuffer. */
export function bytes(binary) {
  return [...new Uint8Array(ArrayBuffer.isView(binary) ? binary : new Uint8Array(binary))];
}

/** A socket that the end of the test disconnects. It does not share its connection. */
export function open(t, url, options = {}) {
  const socket = io(url, { forceNew: true, ...nodeOptions, ...options });
  t.after(() => {
    socket.disconnect();
    socket.io.reconnection(false);
    socket.io.engine?.close();
  });
  return socket;
}

/** The same, connected. */
export async function connected(t, url, options) {
  const socket = open(t, url, options);
  await next(socket, "connect");
  return socket;
}

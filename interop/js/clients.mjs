// Opens stock socket.io-client sockets for one test and closes them when it ends.

import { Manager } from "socket.io-client";

/** How long a test waits for something that must happen, ms: generous, since machines are busy. */
export const DEADLINE_MS = 8_000;

/**
 * The ways a stock client travels. In "while upgrading" the test's traffic races the probe; in
 * "after the upgrade" it starts when the WebSocket has taken over.
 */
export const TRANSPORTS = [
  { name: "polling only", options: { transports: ["polling"] }, settled: "polling" },
  { name: "websocket only", options: { transports: ["websocket"] }, settled: "websocket" },
  { name: "while upgrading", options: { transports: ["polling", "websocket"] } },
  {
    name: "after the upgrade",
    options: { transports: ["polling", "websocket"] },
    settled: "websocket",
  },
];

/** A socket of its own manager that is not connected yet; the test's end closes it. */
export function client(t, server, { nsp = "/", transport = TRANSPORTS[1], ...options } = {}) {
  const manager = new Manager(server.url, {
    reconnection: false,
    autoConnect: false,
    ...transport.options,
    ...options,
  });
  t.after(() => {
    manager.reconnection(false);
    manager._close();
  });
  return manager.socket(nsp, { auth: options.auth });
}

/** Connects and waits for the greeting; on "after the upgrade" for the WebSocket as well. */
export async function connect(t, server, options = {}) {
  const socket = client(t, server, options);
  const greeting = next(socket, "welcome");
  const refusal = once(socket, "connect_error").then(([error]) => Promise.reject(error));
  const loss = once(socket.io, "close").then(([why]) => Promise.reject(new Error(`lost: ${why}`)));
  socket.connect();
  [socket.welcome] = await Promise.race([greeting, refusal, loss]);
  // Whatever ends the connection later is the test's own business.
  refusal.catch(() => {});
  loss.catch(() => {});
  if ((options.transport ?? TRANSPORTS[1]).settled === "websocket") {
    await upgraded(socket);
  }
  return socket;
}

/** So many sockets at once, each of its own connection. */
export function connectMany(t, server, count, options) {
  return Promise.all(Array.from({ length: count }, () => connect(t, server, options)));
}

/** Resolves when the connection is on a WebSocket. */
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") {
    await next(engine, "upgrade");
  }
}

/** The arguments of the next such event; rejects after the deadline. */
export function next(emitter, event, ms = DEADLINE_MS) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      emitter.off(event, take);
      reject(new Error(`no "${event}" within ${ms} ms`));
    }, ms);
    const take = (...args) => {
      clearTimeout(timer);
      resolve(args);
    };
    emitter.once(event, take);
  });
}

/** The arguments of the next such event, however late: for races, keeps no process alive. */
export function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
}

/** Sends the event and gives back the arguments of the reply of that name. */
export async function request(socket, [event, ...args], reply = event) {
  const answer = next(socket, reply);
  socket.emit(event, ...args);
  return answer;
}

/** Sends the event and gives back what its acknowledgement carried (the first argument). */
export function ack(socket, event, ...args) {
  return socket.timeout(DEADLINE_MS).emitWithAck(event, ...args);
}

/** Sends the event and gives back all that its acknowledgement carried. */
export function ackAll(socket, event, ...args) {
  return new Promise((resolve, reject) => {
    socket.timeout(DEADLINE_MS).emit(event, ...args, (error, ...answer) => {
      return error ? reject(error) : resolve(answer);
    });
  });
}

/** Collects the first argument of each such event into an array that grows. */
export function collect(socket, event) {
  const seen = [];
  socket.on(event, (value) => seen.push(value));
  return seen;
}

/** Waits until `probe` gives something other than null, undefined or false; polls it. */
export async function eventually(probe, ms = DEADLINE_MS) {
  const end = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) {
      return value;
    }
    if (performance.now() > end) {
      throw new Error(`not so within ${ms} ms: ${probe}`);
    }
    await pause(20);
  }
}

/** Waits so many ms. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * After this, everything the server sent before is here: an event and its echo travel the same
 * ordered way. For tests that something was *not* sent.
 */
export async function flushed(...sockets) {
  await Promise.all(sockets.map((socket) => ack(socket, "echo-ack", "flushed")));
}

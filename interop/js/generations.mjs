// Clients of every generation, opened for one test and closed when it ends.

import { io as io3 } from "socket.io-client-3";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import { next, once, TRANSPORTS, upgraded } from "./clients.mjs";

/** The generations before today's, with the revision of Engine.IO that each speaks. */
export const GENERATIONS = [
  // 1.x encodes text twice on polling and cannot read what is not ASCII there. In every namespace
  // it takes the connection's id for its own.
  { name: "1.7", io: io1, protocol: 3, ascii: true, bareIds: true },
  { name: "2.5", io: io2, protocol: 3 },
  { name: "3.1", io: io3, protocol: 4 },
];

/** A socket that is not connected yet; `query` goes into the request and to the namespace. */
export function old(t, server, { generation, transport = TRANSPORTS[1], nsp = "/", ...options }) {
  const socket = generation.io(server.url + nsp, {
    reconnection: false,
    autoConnect: false,
    forceNew: true,
    ...transport.options,
    ...options,
  });
  t.after(() => socket.io.engine?.close());
  return socket;
}

/** Connects and waits for the greeting; on "after the upgrade" for the WebSocket as well. */
export async function connectOld(t, server, options) {
  const socket = old(t, server, options);
  const greeting = next(socket, "welcome");
  const refusal = once(socket, "error").then(([error]) => Promise.reject(error));
  const failure = once(socket, "connect_error").then(([error]) => Promise.reject(error));
  socket.open();
  [socket.welcome] = await Promise.race([greeting, refusal, failure]);
  refusal.catch(() => {});
  failure.catch(() => {});
  if ((options.transport ?? TRANSPORTS[1]).settled === "websocket") {
    await upgraded(socket);
  }
  return socket;
}

/** What the acknowledgement of the event carries, all of it. */
export function answer(socket, event, ...args) {
  return new Promise((resolve) => {
    socket.emit(event, ...args, (...values) => resolve(values));
  });
}

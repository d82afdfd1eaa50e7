// The client of Rialto, API-compatible with socket.io-client 4 in what its README lists.

import { parseAddress } from "./address.js";
import { Polling } from "./engine/polling.js";
import { WebSocketTransport } from "./engine/websocket.js";
import { Manager } from "./manager.js";
import { protocol } from "./parser.js";
import { Socket } from "./socket.js";

/** Managers by server and path: namespaces of one server share its connection. */
const managers = new Map();

/**
 * The socket of a namespace. Connects, unless `autoConnect` is false.
 *
 * @param {string | object} [uri] URL, its path is the namespace; without one, the page's own server
 * @param {object} [opts] options of the connection and of the socket
 * @returns {Socket}
 * @throws {TypeError} when the URL is not one, or is missing where there is no page
 */
export function io(uri, opts) {
  const given = typeof uri === "object" && uri !== null ? uri : (opts ?? {});
  const address = parseAddress(given === uri ? undefined : uri);
  const { secure, hostname, port, path: nsp, query } = address;
  const source = `${secure ? "https" : "http"}://${hostname}:${port}`;
  const key = source + (given.path ?? "/socket.io");
  const options = query && !given.query ? { ...given, query } : given;
  const shared = managers.get(key);
  const alone = options.forceNew || options.multiplex === false || shared?.nsps.has(nsp);
  if (alone) return new Manager(source, options).socket(nsp, options);
  const manager = shared ?? new Manager(source, options);
  managers.set(key, manager);
  return manager.socket(nsp, options);
}

Object.assign(io, { Manager, Socket, io, connect: io, protocol });

export {
  io as connect,
  io as default,
  Manager,
  Socket,
  protocol,
  Polling as Fetch,
  WebSocketTransport as WebSocket,
};

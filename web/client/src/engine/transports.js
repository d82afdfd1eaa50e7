// The transports by name: a new one is a class and a line here.

import { Polling } from "./polling.js";
import { WebSocketTransport } from "./websocket.js";

const TABLE = new Map([
  ["polling", Polling],
  ["websocket", WebSocketTransport],
]);

/** What `transports` is when the application does not say. */
export const DEFAULT_TRANSPORTS = Object.freeze(["polling", "websocket"]);

/**
 * The option `transports` as names and classes, in its order. Names that are not known here
 * (`webtransport` of a list written for another client) are left out.
 *
 * @param {(string | Function)[]} list
 * @returns {Map<string, Function>}
 */
export function selectTransports(list) {
  const selected = new Map();
  for (const entry of list) {
    const made = typeof entry === "function";
    const name = made ? entry.prototype.name : entry;
    const transport = made ? entry : TABLE.get(name);
    if (transport) selected.set(name, transport);
  }
  return selected;
}

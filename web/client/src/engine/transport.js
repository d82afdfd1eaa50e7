// What every transport does; `transports.js` lists them.

import { formatQuery } from "../address.js";
import { isBlob } from "../bytes.js";
import { Emitter } from "../emitter.js";

/**
 * Why a transport failed. `description` and `context` hold what the platform said: the HTTP status
 * and answer, or the event of the WebSocket. `data` is the server's own JSON reason, if any.
 */
export class TransportError extends Error {
  type = "TransportError";

  constructor(reason, description, context) {
    super(reason);
    this.description = description;
    this.context = context;
  }
}

/**
 * One way to carry Engine.IO packets. A transport is opened once and closed once.
 *
 * Events: `open`; `packet(packet)`; `drain` when what `send` took has been handed on;
 * `error(TransportError)` or `close(details)`, one of them, once, and nothing after it.
 *
 * A subclass has `name`, `doOpen()`, `doClose()` and `write(packets)`, which ends in `drained()`.
 */
export class Transport extends Emitter {
  /** "opening", "open", "pausing", "paused" or "closed". */
  readyState = "opening";
  /** Whether `send` may be called now. */
  writable = false;

  /** Whether this platform has what the transport needs. */
  static available(_options) {
    return true;
  }

  /**
   * @param {object} options as `engine/options.js` resolves them
   * @param {Record<string, unknown>} query of each request; the engine adds `sid` when it knows it
   */
  constructor(options, query) {
    super();
    this.options = options;
    this.query = query;
  }

  /** More waits in this transport than an event that may be dropped should wait behind. */
  get congested() {
    return false;
  }

  open() {
    this.doOpen();
    return this;
  }

  /** Ends the transport from this side. No event follows. */
  close() {
    if (this.readyState === "closed") return this;
    const before = this.readyState;
    this.#end();
    this.doClose(before);
    return this;
  }

  /** Takes packets for sending; only when `writable`. A `Blob` is read first, in its turn. */
  send(packets) {
    if (this.readyState !== "open") return;
    this.writable = false;
    if (!packets.some((packet) => isBlob(packet.data))) {
      this.write(packets);
      return;
    }
    Promise.all(packets.map(readBlob)).then(
      (ready) => {
        if (this.readyState !== "closed") this.write(ready);
      },
      (error) => this.fail("blob read error", error),
    );
  }

  /** Stops receiving and sending, then calls back: the engine moves to another transport. */
  pause(paused) {
    this.readyState = "paused";
    paused();
  }

  /** Goes on after `pause`, when the move failed. */
  resume() {
    if (this.readyState === "closed") return;
    this.readyState = "open";
  }

  opened() {
    this.readyState = "open";
    this.writable = true;
    this.emit("open");
  }

  drained() {
    if (this.readyState === "closed") return;
    this.writable = true;
    this.emit("drain");
  }

  fail(reason, description, context) {
    this.failWith(new TransportError(reason, description, context));
  }

  failWith(error) {
    if (this.readyState === "closed") return;
    this.#end();
    this.doClose("failed");
    this.emit("error", error);
  }

  ended(details) {
    if (this.readyState === "closed") return;
    this.#end();
    this.doClose("ended");
    this.emit("close", details);
  }

  #end() {
    this.readyState = "closed";
    this.writable = false;
  }

  /** The address of a request. `stamp` adds the parameter that keeps caches away. */
  uri(scheme, stamp) {
    const { secure, hostname, port, path, timestampParam, forceBase64 } = this.options;
    const standard = secure ? "443" : "80";
    const authority = port === standard ? hostname : `${hostname}:${port}`;
    const query = { ...this.query };
    if (stamp) query[timestampParam] = stampOf();
    if (forceBase64 && !query.sid) query.b64 = 1;
    return `${scheme}${secure ? "s" : ""}://${authority}${path}?${formatQuery(query)}`;
  }
}

async function readBlob(packet) {
  return isBlob(packet.data) ? { ...packet, data: await packet.data.arrayBuffer() } : packet;
}

function stampOf() {
  return Date.now().toString(36).slice(3) + Math.random().toString(36).slice(2, 7);
}

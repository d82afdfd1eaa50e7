// One Engine.IO 4 connection: handshake, heartbeat, queue, and the move to a better transport.

import { Emitter } from "../emitter.js";
import { Heartbeat } from "./heartbeat.js";
import { resolveOptions } from "./options.js";
import { countFitting } from "./packet.js";
import { watchPage } from "./page.js";
import { selectTransports } from "./transports.js";
import { Upgrade } from "./upgrade.js";

/**
 * A connection from `open()` to its one `close` event; it is not opened again.
 *
 * Events: `handshake(data)`, `open`, `packet(packet)`, `packetCreate(packet)`, `message(data)` and
 * `data(data)`, `ping`, `pong`, `heartbeat`, `flush`, `drain`, `upgrading(transport)`,
 * `upgrade(transport)`, `upgradeError(error)`, `error(error)`, `close(reason, details)`.
 */
export class Engine extends Emitter {
  /** Revision of the Engine.IO protocol. */
  static protocol = 4;
  /** Whether the last connection of this page was on WebSocket: see `rememberUpgrade`. */
  static priorWebsocketSuccess = false;

  /** Session id, known from the handshake to the end. */
  id = null;
  /** "opening", "open", "closing" or "closed". */
  readyState = "opening";
  /** The transport in use; its `name` is "polling" or "websocket". */
  transport = null;
  /** Packets that the transport has not yet taken. */
  writeBuffer = [];
  /** Whether the connection is moving to another transport: nothing is sent meanwhile. */
  upgrading = false;

  #options;
  /** Transports still to be tried, by name. */
  #candidates;
  #upgrades = new Set();
  #heartbeat = null;
  #maxPayload = Infinity;
  /** How many packets of the queue the transport has now. */
  #inFlight = 0;
  #unwatch = () => {};

  /**
   * @param {string | undefined} uri undefined: the options or the page say where
   * @param {object} options
   * @throws {TypeError} when the address is no URL
   */
  constructor(uri, options = {}) {
    super();
    this.#options = resolveOptions(uri, options);
    this.#candidates = selectTransports(this.#options.transports);
  }

  /** Starts the connection, once. Apart from the constructor, so that listeners can be set. */
  open() {
    this.#unwatch = watchPage(this.#options, {
      offline: () => this.#end("transport close", { description: "network connection lost" }),
      unload: () => this.#leavePage(),
    });
    this.#tryNext();
    return this;
  }

  #tryNext() {
    const names = [...this.#candidates.keys()];
    const { rememberUpgrade } = this.#options;
    const remembered =
      rememberUpgrade && Engine.priorWebsocketSuccess && names.includes("websocket");
    const name = remembered ? "websocket" : names[0];
    if (name === undefined) {
      queueMicrotask(() => this.#fail(new Error("No transports available")));
      return;
    }
    this.#adopt(this.#make(name));
    this.transport.open();
  }

  #make(name) {
    const { transportOptions, query } = this.#options;
    const own = { ...query, EIO: Engine.protocol, transport: name };
    if (this.id) own.sid = this.id;
    const options = { ...this.#options, ...transportOptions[name] };
    return new (this.#candidates.get(name))(options, own);
  }

  #adopt(transport) {
    this.transport?.off();
    this.transport = transport;
    transport.on("packet", (packet) => this.#onPacket(packet));
    transport.on("drain", () => this.#onDrain());
    transport.on("error", (error) => this.#onTransportError(error));
    transport.on("close", (details) => this.#end("transport close", details));
  }

  #onPacket(packet) {
    if (this.readyState === "closed") return;
    this.emit("packet", packet);
    this.emit("heartbeat");
    switch (packet.type) {
      case "open":
        this.#onHandshake(packet.data);
        break;
      case "ping":
        this.#heartbeat?.beat();
        this.#enqueue({ type: "pong" });
        this.emit("ping");
        this.emit("pong");
        break;
      case "message":
        this.emit("data", packet.data ?? "");
        this.emit("message", packet.data ?? "");
        break;
      default:
        // `noop` only ends a poll; the rest is answered where it is expected (see upgrade.js).
        break;
    }
  }

  #onHandshake(text) {
    if (this.id !== null) return;
    const handshake = readHandshake(text);
    if (!handshake) {
      this.#fail(new Error("the server's handshake is not valid"));
      return;
    }
    this.id = handshake.sid;
    this.transport.query.sid = handshake.sid;
    this.#maxPayload = handshake.maxPayload || Infinity;
    const period = handshake.pingInterval + handshake.pingTimeout;
    this.#heartbeat = new Heartbeat(period, () => this.#end("ping timeout"));
    this.emit("handshake", handshake);
    this.readyState = "open";
    Engine.priorWebsocketSuccess = this.transport.name === "websocket";
    this.emit("open");
    this.#flush();
    if (this.readyState === "open" && this.#options.upgrade) this.#probe(handshake.upgrades);
  }

  #probe(names) {
    const usable = (name) =>
      this.#candidates.has(name) && this.#candidates.get(name).available(this.#options);
    for (const name of new Set(names)) {
      if (name === this.transport.name || !usable(name)) continue;
      const upgrade = new Upgrade(this.#make(name), {
        began: () => this.#onUpgrading(upgrade),
        paused: () => this.#onPaused(upgrade),
        failed: (error) => this.#onUpgradeFailed(upgrade, error),
      });
      this.#upgrades.add(upgrade);
      upgrade.start();
    }
  }

  #onUpgrading(winner) {
    for (const upgrade of this.#upgrades) {
      if (upgrade !== winner) upgrade.abandon();
    }
    this.#upgrades = new Set([winner]);
    this.upgrading = true;
    this.emit("upgrading", winner.transport);
    if (this.readyState === "closed") return;
    this.transport.pause(() => winner.confirm());
  }

  #onPaused(winner) {
    if (this.readyState === "closed") return;
    this.#upgrades.delete(winner);
    this.#adopt(winner.transport);
    Engine.priorWebsocketSuccess = winner.transport.name === "websocket";
    winner.transport.send([{ type: "upgrade" }]);
    this.upgrading = false;
    this.emit("upgrade", winner.transport);
    this.#flush();
  }

  #onUpgradeFailed(upgrade, error) {
    this.#upgrades.delete(upgrade);
    if (this.upgrading) {
      this.upgrading = false;
      this.transport.resume();
    }
    this.emit("upgradeError", error);
    this.#flush();
  }

  /** Whether pings have stopped, told by the clocks and not by a timer; then the end follows. */
  hasExpired() {
    if (!this.#heartbeat?.expired) return false;
    queueMicrotask(() => this.#end("ping timeout"));
    return true;
  }

  /**
   * Queues a message.
   *
   * @param {string | ArrayBuffer | ArrayBufferView | Blob} data
   * @param {{compress?: boolean}} [options] kept in the packet; browsers decide by themselves
   * @param {() => void} [flushed] called when the message is handed to the transport
   */
  write(data, options, flushed) {
    this.#enqueue({ type: "message", data, options }, flushed);
    return this;
  }

  /** The same as `write`. */
  send(data, options, flushed) {
    return this.write(data, options, flushed);
  }

  #enqueue(packet, flushed) {
    if (this.readyState === "closing" || this.readyState === "closed") return;
    this.emit("packetCreate", packet);
    this.writeBuffer.push(packet);
    if (flushed) this.once("flush", flushed);
    this.#flush();
  }

  #flush() {
    const idle = this.readyState !== "closed" && this.transport?.writable && !this.upgrading;
    if (!idle || this.writeBuffer.length === 0) return;
    const limited = this.transport.name === "polling";
    const count = limited ? countFitting(this.writeBuffer, this.#maxPayload) : Infinity;
    const batch = this.writeBuffer.slice(0, count);
    this.#inFlight = batch.length;
    this.transport.send(batch);
    this.emit("flush");
  }

  #onDrain() {
    this.writeBuffer.splice(0, this.#inFlight);
    this.#inFlight = 0;
    if (this.writeBuffer.length === 0) this.emit("drain");
    else this.#flush();
  }

  /** Ends the connection when what is queued has been handed over. */
  close() {
    if (this.readyState !== "opening" && this.readyState !== "open") return this;
    const undelivered = this.readyState === "open" && this.writeBuffer.length > 0;
    this.readyState = "closing";
    if (undelivered) this.once("drain", () => this.#closeSettled());
    else this.#closeSettled();
    return this;
  }

  /** While a transport is paused nobody can be told: the move has to end first. */
  #closeSettled() {
    if (!this.upgrading) {
      this.#end("forced close");
      return;
    }
    this.once("upgrade", () => this.#end("forced close"));
    this.once("upgradeError", () => this.#end("forced close"));
  }

  #onTransportError(error) {
    Engine.priorWebsocketSuccess = false;
    const failed = this.transport.name;
    if (this.#options.tryAllTransports && this.id === null && this.#candidates.size > 1) {
      this.#candidates.delete(failed);
      this.#tryNext();
      return;
    }
    this.#fail(error);
  }

  #fail(error) {
    if (this.readyState === "closed") return;
    this.emit("error", error);
    this.#end("transport error", error);
  }

  #end(reason, details) {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.#heartbeat?.stop();
    this.#unwatch();
    for (const upgrade of this.#upgrades) upgrade.abandon();
    this.#upgrades.clear();
    this.upgrading = false;
    this.transport?.off();
    this.transport?.close();
    this.id = null;
    this.emit("close", reason, details);
    // After the event, so that its listeners can still see what was not sent.
    this.writeBuffer = [];
    this.#inFlight = 0;
  }

  /** The page goes: the transport closes silently, because nobody is there for the events. */
  #leavePage() {
    this.transport?.off();
    this.transport?.close();
  }
}

const isDuration = (value) => Number.isFinite(value) && value > 0;

/** The server's handshake, or undefined when it is not one. */
function readHandshake(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  const valid =
    typeof data?.sid === "string" &&
    data.sid !== "" &&
    isDuration(data.pingInterval) &&
    isDuration(data.pingTimeout) &&
    Array.isArray(data.upgrades);
  return valid ? data : undefined;
}

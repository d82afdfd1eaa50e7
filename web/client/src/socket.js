// One namespace of a connection: what `io()` returns.

import { Acks, firstCallOnly, withError } from "./acks.js";
import { CatchAllEmitter } from "./catch-all.js";
import { invoke } from "./emitter.js";
import { Answer, Handshake } from "./handshake.js";
import { PacketType, RESERVED_EVENTS } from "./parser.js";
import { RetryQueue } from "./retry-queue.js";

/**
 * Sends and receives events. `connect`, `connect_error(error)` and `disconnect(reason, details)`
 * tell of the connection; all other events are the server's.
 *
 * Methods whose names start with an underscore are for the `Manager`.
 */
export class Socket extends CatchAllEmitter {
  /** The `Manager` of the connection. */
  io;
  /** Namespace, such as `/` or `/chat`. */
  nsp;
  /** Id of this socket at the server; undefined while not connected. */
  id = undefined;
  /** Whether the server has accepted this socket. */
  connected = false;
  /** Whether this connection continues the one before: no event was lost. */
  recovered = false;
  /** Payload of the handshake: an object, or a function that gives it to its callback. */
  auth;
  /** Events that came before the handshake was over. */
  receiveBuffer = [];
  /** Events that wait for the connection; set it to `[]` to drop them. */
  sendBuffer = [];

  #options;
  #active = false;
  #handshake;
  #pid;
  #offset;
  #acks = new Acks(this);
  #queue = null;
  #flags = {};

  constructor(io, nsp, options = {}) {
    super();
    this.io = io;
    this.nsp = nsp;
    this.#options = { ...options };
    this.auth = options.auth;
    this.#handshake = new Handshake(
      (give) => this.#askPayload(give),
      (payload) => this.#sendConnect(payload),
    );
    if (options.retries) {
      this.#queue = new RetryQueue(options.retries, () => this.#isLive(), this.#send.bind(this));
    }
  }

  /** The opposite of `connected`. */
  get disconnected() {
    return !this.connected;
  }

  /** Whether the socket is connected or will connect by itself. */
  get active() {
    return this.#active;
  }

  /** Connects, unless that is under way. */
  connect() {
    if (this.connected) return this;
    const before = this.#active;
    this.#active = true;
    this.io._activate();
    if (!before && this.io.isOpen) this.#handshake.start();
    return this;
  }

  /** As `connect`. */
  open() {
    return this.connect();
  }

  /** Leaves the namespace; there is no reconnection. */
  disconnect() {
    const before = this.connected;
    if (before) this.#leave();
    this.#deactivate();
    if (before) this.#lost("io client disconnect");
    else this.receiveBuffer = [];
    return this;
  }

  /** The same as `disconnect`. */
  close() {
    return this.disconnect();
  }

  /** Sends an event named `message`. */
  send(...args) {
    return this.emit("message", ...args);
  }

  /**
   * Sends an event. While not connected, it waits in `sendBuffer`.
   *
   * @param {string} event
   * @param {...unknown} args what JSON can hold, and binary values; a function at the end is called
   *   with the server's answer
   * @throws {Error} when the name is reserved, or the arguments cannot be encoded
   */
  emit(event, ...args) {
    const flags = this.#flags;
    this.#flags = {};
    if (RESERVED_EVENTS.has(event)) {
      throw new Error(`"${String(event)}" is a reserved event name`);
    }
    if (this.#queue && !flags.volatile) this.#queue.add([event, ...args], flags);
    else this.#send([event, ...args], flags);
    return this;
  }

  /**
   * Sends an event and waits for the answer.
   *
   * @returns {Promise<unknown>} first value of the answer; rejected at timeout and disconnect
   */
  emitWithAck(event, ...args) {
    return new Promise((resolve, reject) => {
      const answered = withError((error, value) => (error ? reject(error) : resolve(value)));
      this.emit(event, ...args, answered);
    });
  }

  /** The next event may be sent uncompressed; browsers decide that by themselves. */
  compress(compress) {
    this.#flags.compress = compress;
    return this;
  }

  /** The next event is dropped when it cannot leave now. */
  get volatile() {
    this.#flags.volatile = true;
    return this;
  }

  /** The callback of the next event gets an error if no answer came in so many milliseconds. */
  timeout(milliseconds) {
    this.#flags.timeout = milliseconds;
    return this;
  }

  #send(args, { compress, volatile, timeout = this.#options.ackTimeout }) {
    const options = { compress: compress !== false };
    const packet = { type: PacketType.EVENT, data: args, options };
    const live = this.#isLive();
    const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
    if (callback) packet.id = this.#acks.register(callback, timeout, (id) => this.#forget(id));
    if (volatile && !(live && this.io._isWritable)) {
      // Not at once: this call comes back first.
      const dropped = new Error("volatile event was dropped");
      queueMicrotask(() => this.#acks.reject(packet.id, dropped));
    } else if (live) {
      this.#transmit(packet, (error) => {
        this.#acks.drop(packet.id);
        throw error;
      });
    } else {
      this.sendBuffer.push(packet);
    }
  }

  #transmit(packet, failed) {
    this._observeOutgoing(packet.data);
    try {
      this.#packet(packet);
    } catch (error) {
      failed(error);
    }
  }

  /** An event that waits is not sent after its timeout. */
  #forget(id) {
    this.sendBuffer = this.sendBuffer.filter((packet) => packet.id !== id);
  }

  #isLive() {
    return this.connected && !this.io._hasExpired();
  }

  #packet(packet) {
    packet.nsp = this.nsp;
    this.io._send(packet);
  }

  // ---- what the manager tells

  _onOpen() {
    if (this.#active && this.io.isOpen) this.#handshake.start();
  }

  _onError(error) {
    if (this.#active && !this.connected) this.emitLocal("connect_error", error);
  }

  _onClose(reason, details) {
    this.#handshake.reset();
    if (this.#active) this.#lost(reason, details);
  }

  _onPacket(packet) {
    if (packet.type === PacketType.CONNECT) this.#onConnect(packet.data);
    else if (packet.type === PacketType.CONNECT_ERROR) this.#onRefused(packet.data);
    else if (this.#active) this.#onMessage(packet);
  }

  #onMessage({ type, id, data }) {
    if (type === PacketType.EVENT) {
      if (this.connected) this.#deliver(id, data);
      else this.receiveBuffer.push({ id, data });
    } else if (type === PacketType.ACK) {
      this.#acks.resolve(id, data);
    } else if (type === PacketType.DISCONNECT) {
      this.#deactivate();
      this.#lost("io server disconnect");
    }
  }

  // ---- handshake of the namespace

  #askPayload(give) {
    const session = this.#pid ? { pid: this.#pid, offset: this.#offset } : undefined;
    const complete = (auth) => give(session ? { ...session, ...auth } : auth);
    if (typeof this.auth === "function") invoke(this.auth, this, [complete]);
    else complete(this.auth);
  }

  #sendConnect(payload) {
    try {
      this.#packet({ type: PacketType.CONNECT, data: payload });
    } catch (error) {
      this.#handshake.takeAnswer();
      this.#refused(error);
    }
  }

  #leave() {
    this.#packet({ type: PacketType.DISCONNECT });
    this.#handshake.left();
  }

  /** Whether an answer is the one that this socket waits for. */
  #isAnswer(accepted) {
    const answered = this.#handshake.takeAnswer();
    if (answered === Answer.ABANDONED) {
      // The server has let in a socket that nobody wants any more.
      if (accepted) this.#leave();
      if (this.#active) this.#handshake.start();
    }
    return answered === Answer.CURRENT;
  }

  #onConnect(data) {
    if (!this.#isAnswer(true)) return;
    if (typeof data?.sid !== "string") {
      this.#refused(
        new Error("the server speaks an older protocol: Socket.IO 3 or later is needed"),
      );
      return;
    }
    this.id = data.sid;
    this.recovered = Boolean(data.pid) && data.pid === this.#pid;
    this.#pid = data.pid;
    if (!this.#pid) this.#offset = undefined;
    this.connected = true;
    this.#flushBuffers();
    this.#queue?.drain();
    if (this.connected) this.emitLocal("connect");
  }

  #onRefused(data) {
    if (!this.#isAnswer(false)) return;
    const error = new Error(typeof data === "string" ? data : data.message);
    error.data = data.data;
    this.#refused(error);
  }

  /** A refusal is final: `connect()` tries again. */
  #refused(error) {
    this.#deactivate();
    this.emitLocal("connect_error", error);
  }

  #deactivate() {
    this.#active = false;
    this.#handshake.abandon();
    this.io._release();
  }

  #lost(reason, details) {
    this.connected = false;
    this.id = undefined;
    this.receiveBuffer = [];
    this.emitLocal("disconnect", reason, details);
    const isUnsent = (id) => this.sendBuffer.some((packet) => packet.id === id);
    this.#acks.rejectAll(new Error("socket has been disconnected"), isUnsent);
  }

  // ---- events

  #flushBuffers() {
    for (const { id, data } of this.receiveBuffer.splice(0)) {
      if (this.connected) this.#deliver(id, data);
    }
    const waiting = this.sendBuffer;
    this.sendBuffer = [];
    for (const packet of waiting) {
      if (this.connected) this.#transmit(packet, (error) => this.#unsendable(packet, error));
      else this.sendBuffer.push(packet);
    }
  }

  /** One event that cannot be encoded does not hold up the others that waited. */
  #unsendable(packet, error) {
    this.#acks.reject(packet.id, error);
    invoke(
      () => {
        throw error;
      },
      this,
      [],
    );
  }

  #deliver(id, data) {
    const args = id === undefined ? data : [...data, this.#answer(id)];
    // The server appends an offset to what it stores, and stores only if it gave a `pid`.
    if (this.#pid && typeof args.at(-1) === "string") this.#offset = args.at(-1);
    this._observeIncoming(args);
    this.emitLocal(...args);
  }

  /** Once the socket has another id, the answer would meet a stranger's question. */
  #answer(id) {
    const asked = this.id;
    return firstCallOnly((data) => {
      if (this.id === asked) this.#packet({ type: PacketType.ACK, id, data });
    });
  }
}

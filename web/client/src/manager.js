// One connection, kept up, and the namespaces that share it.

import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { Engine } from "./engine/engine.js";
import { Decoder, Encoder } from "./parser.js";
import { Socket } from "./socket.js";

/** Used when the option `parser` names no other. */
const standardParser = { Decoder, Encoder };

/** Defaults of the options that the manager itself reads; times in milliseconds. */
const DEFAULTS = Object.freeze({
  reconnectionDelay: 1000,
  reconnectionDelayMax: 5000,
  randomizationFactor: 0.5,
  timeout: 20000,
});

/**
 * Opens the connection, opens it again after a loss, and hands packets to the namespaces.
 *
 * Events: `open`, `error(error)`, `ping`, `packet(packet)`, `close(reason, details)`,
 * `reconnect_attempt(n)`, `reconnect(n)`, `reconnect_error(error)`, `reconnect_failed`.
 *
 * Methods whose names start with an underscore are for the `Socket`.
 */
export class Manager extends Emitter {
  /** The connection in use, or the last one; undefined before the first. */
  engine;
  /** Options, read again for each connection: changes count from the next one on. */
  opts;
  /** The sockets by namespace. */
  nsps = new Map();

  #uri;
  /** "closed", "opening" or "open". */
  #state = "closed";
  #reconnecting = false;
  /** Set when the application wants no connection: nothing is tried again then. */
  #stopped = false;
  #retryTimer;
  #openTimer;
  /** Ends the listening to the engine, one call per listener. */
  #ties = [];
  #autoConnect;
  #encoder;
  #decoder;
  #backoff;
  #reconnection;
  #reconnectionAttempts;
  #timeout;

  /**
   * @param {string | object} [uri] URL of the server, or the options
   * @param {object} [opts]
   */
  constructor(uri, opts) {
    super();
    const given = typeof uri === "object" && uri !== null ? uri : opts;
    this.#uri = given === uri ? undefined : uri;
    this.opts = { ...given };
    this.opts.path ||= "/socket.io";
    this.#configure(this.opts);
    const { parser = standardParser, maxAttachments } = this.opts;
    const limits = parser === standardParser ? { maxAttachments } : undefined;
    this.#encoder = new parser.Encoder(limits);
    this.#decoder = new parser.Decoder(limits);
    this.#decoder.on("decoded", (packet) => this.#onPacket(packet));
    this.#autoConnect = this.opts.autoConnect !== false;
    if (this.#autoConnect) this.open();
  }

  #configure(opts) {
    this.#reconnection = opts.reconnection !== false;
    this.#reconnectionAttempts = opts.reconnectionAttempts || Infinity;
    this.#timeout = opts.timeout ?? DEFAULTS.timeout;
    this.#backoff = new Backoff({
      min: opts.reconnectionDelay || DEFAULTS.reconnectionDelay,
      max: opts.reconnectionDelayMax || DEFAULTS.reconnectionDelayMax,
      jitter: opts.randomizationFactor ?? DEFAULTS.randomizationFactor,
    });
  }

  /** Whether to reconnect. Each of these six reads without an argument and sets with one. */
  reconnection(value) {
    if (value === undefined) return this.#reconnection;
    this.#reconnection = Boolean(value);
    if (!this.#reconnection) this.#stopRetrying();
    return this;
  }

  /** Attempts before `reconnect_failed`. */
  reconnectionAttempts(value) {
    if (value === undefined) return this.#reconnectionAttempts;
    this.#reconnectionAttempts = value;
    return this;
  }

  /** Wait before the first attempt, in milliseconds; doubled for each further one. */
  reconnectionDelay(value) {
    if (value === undefined) return this.#backoff.min;
    this.#backoff.min = value;
    return this;
  }

  /** The longest wait, in milliseconds. */
  reconnectionDelayMax(value) {
    if (value === undefined) return this.#backoff.max;
    this.#backoff.max = value;
    return this;
  }

  /** The part of a wait, 0 to 1, by which it is shorter or longer at random. */
  randomizationFactor(value) {
    if (value === undefined) return this.#backoff.jitter;
    this.#backoff.jitter = value;
    return this;
  }

  /** Time for one attempt to connect, in milliseconds; false for no limit. */
  timeout(value) {
    if (value === undefined) return this.#timeout;
    this.#timeout = value;
    return this;
  }

  /** Whether the connection is open. */
  get isOpen() {
    return this.#state === "open";
  }

  /**
   * The socket of a namespace; always the same one.
   *
   * @param {string} nsp
   * @param {{auth?: object | Function, retries?: number, ackTimeout?: number}} [opts]
   */
  socket(nsp, opts) {
    let socket = this.nsps.get(nsp);
    if (!socket) {
      socket = new Socket(this, nsp, opts);
      this.nsps.set(nsp, socket);
    }
    if (this.#autoConnect && !socket.active) socket.connect();
    return socket;
  }

  /**
   * Opens the connection, unless it is open or opening.
   *
   * @param {(error?: Error) => void} [done] told of the result; a failure is not tried again then
   */
  open(done) {
    if (this.#state === "closed") this.#openEngine(done);
    else if (done) this.#whenSettled(done);
    return this;
  }

  /** The same as `open`. */
  connect(done) {
    return this.open(done);
  }

  #whenSettled(done) {
    if (this.#state === "open") queueMicrotask(done);
    else this.once("open", () => done());
  }

  #openEngine(done) {
    this.#state = "opening";
    this.#stopped = false;
    const engine = new Engine(this.#uri, this.opts);
    this.engine = engine;
    const failed = (error) => {
      this.#dropEngine();
      this.#state = "closed";
      this.#tell("error", "_onError", error);
      if (done) done(error);
      else this.#retryFirst();
    };
    this.#tie("open", () => {
      this.#onOpen();
      done?.();
    });
    this.#tie("error", failed);
    // The end without an error, before anything was open.
    this.#tie("close", (reason) => failed(new Error(reason)));
    if (this.#timeout !== false) {
      this.#openTimer = setTimeout(() => failed(new Error("timeout")), this.#timeout);
    }
    engine.open();
  }

  #tie(event, listener) {
    const { engine } = this;
    engine.on(event, listener);
    this.#ties.push(() => engine.off(event, listener));
  }

  #untie() {
    clearTimeout(this.#openTimer);
    for (const cut of this.#ties.splice(0)) cut();
  }

  #dropEngine() {
    this.#untie();
    this.#decoder.destroy();
    this.engine.close();
  }

  #onOpen() {
    this.#untie();
    this.#state = "open";
    this.#tie("ping", () => this.emit("ping"));
    this.#tie("data", (data) => this.#onData(data));
    this.#tie("error", (error) => this.#tell("error", "_onError", error));
    this.#tie("close", (reason, details) => this.#onClose(reason, details));
    this.#tell("open", "_onOpen");
  }

  /** Tells the application's listeners, then the namespaces. */
  #tell(event, method, ...args) {
    this.emit(event, ...args);
    for (const socket of [...this.nsps.values()]) socket[method](...args);
  }

  #onData(data) {
    try {
      this.#decoder.add(data);
    } catch (error) {
      this.#onClose("parse error", error);
    }
  }

  #onPacket(packet) {
    this.emit("packet", packet);
    this.nsps.get(packet.nsp)?._onPacket(packet);
  }

  #onClose(reason, details) {
    if (this.#state === "closed") return;
    this.#dropEngine();
    this.#backoff.reset();
    this.#state = "closed";
    this.#tell("close", "_onClose", reason, details);
    if (this.#reconnection) this.#retry();
  }

  // ---- reconnection

  #retryFirst() {
    if (this.#reconnection && this.#backoff.attempts === 0) this.#retry();
  }

  #retry() {
    if (this.#reconnecting || this.#stopped || this.#state !== "closed") return;
    if (this.#backoff.attempts >= this.#reconnectionAttempts) {
      this.#backoff.reset();
      this.emit("reconnect_failed");
      return;
    }
    this.#reconnecting = true;
    this.#retryTimer = setTimeout(() => this.#attempt(), this.#backoff.next());
  }

  #attempt() {
    this.emit("reconnect_attempt", this.#backoff.attempts);
    // A listener may have stopped it, or opened the connection by itself.
    if (this.#stopped || this.#state !== "closed") {
      this.#reconnecting = false;
      return;
    }
    this.open((error) => {
      this.#reconnecting = false;
      if (error) {
        this.#retry();
        this.emit("reconnect_error", error);
        return;
      }
      const attempts = this.#backoff.attempts;
      this.#backoff.reset();
      this.emit("reconnect", attempts);
    });
  }

  #stopRetrying() {
    this.#stopped = true;
    this.#reconnecting = false;
    clearTimeout(this.#retryTimer);
  }

  // ---- what the sockets ask for

  /** A socket wants the connection; while it is being restored, that goes on at its own pace. */
  _activate() {
    if (!this.#reconnecting) this.open();
  }

  /** A socket is done; the last one closes the connection. */
  _release() {
    for (const socket of this.nsps.values()) {
      if (socket.active) return;
    }
    this.#stopRetrying();
    this.#onClose("forced close");
  }

  _send(packet) {
    for (const message of this.#encoder.encode(packet)) this.engine.write(message, packet.options);
  }

  /** Whether what is sent now leaves now. */
  get _isWritable() {
    const transport = this.engine?.transport;
    return Boolean(transport?.writable) && !transport.congested;
  }

  _hasExpired() {
    return this.engine?.hasExpired() ?? true;
  }
}

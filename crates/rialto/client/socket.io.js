/*! Rialto client, API-compatible with socket.io-client 4 - MIT OR Apache-2.0 */
(() => {
  // src/address.js
  var URL_FORM = /^(?:(https?|wss?):)?\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i;
  function page() {
    return typeof location === "undefined" ? void 0 : location;
  }
  function parseAddress(uri) {
    const here = page();
    const [, scheme, authority, path, query] = URL_FORM.exec(complete(uri, here)) ?? fail(uri);
    const protocol2 = (scheme ?? here?.protocol.replace(":", "") ?? fail(uri)).toLowerCase();
    const secure = protocol2 === "https" || protocol2 === "wss";
    let host;
    try {
      host = new URL(`${secure ? "https" : "http"}://${authority}`);
    } catch {
      fail(uri);
    }
    return {
      secure,
      hostname: host.hostname,
      port: host.port || (secure ? "443" : "80"),
      path: path || "/",
      query: query ? parseQuery(query) : void 0
    };
  }
  function complete(uri, here) {
    if (uri === void 0 || uri === null || uri === "") return here ? `//${here.host}` : fail(uri);
    const text = String(uri);
    if (/^(?:(?:https?|wss?):)?\/\//i.test(text)) return text;
    if (text.startsWith("/")) return here ? `//${here.host}${text}` : fail(uri);
    return here ? `//${text}` : `https://${text}`;
  }
  function fail(uri) {
    throw new TypeError(
      uri ? `"${uri}" is not a URL to connect to` : "a URL is needed where there is no page"
    );
  }
  function parseQuery(text) {
    return Object.assign(/* @__PURE__ */ Object.create(null), Object.fromEntries(new URLSearchParams(text)));
  }
  function formatQuery(query) {
    const pair = ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
    return Object.entries(query).map(pair).join("&");
  }

  // src/bytes.js
  var tagOf = (value) => Object.prototype.toString.call(value);
  function isBlob(value) {
    if (typeof value !== "object" || value === null) return false;
    const tag = tagOf(value);
    return tag === "[object Blob]" || tag === "[object File]";
  }
  function isBinary(value) {
    if (typeof value !== "object" || value === null) return false;
    return value instanceof ArrayBuffer || ArrayBuffer.isView(value) || tagOf(value) === "[object ArrayBuffer]" || isBlob(value);
  }
  function byteLength(binary) {
    return isBlob(binary) ? binary.size : binary.byteLength;
  }
  function bytesOf(binary) {
    return ArrayBuffer.isView(binary) ? new Uint8Array(binary.buffer, binary.byteOffset, binary.byteLength) : new Uint8Array(binary);
  }
  function utf8Length(text) {
    let length = text.length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 128) continue;
      if (unit < 2048) {
        length += 1;
      } else {
        length += 2;
        const pair = unit >= 55296 && unit < 56320 && (text.charCodeAt(i + 1) & 64512) === 56320;
        if (pair) i++;
      }
    }
    return length;
  }
  var CHUNK = 8192;
  function toBase64(binary) {
    const bytes = bytesOf(binary);
    if (typeof bytes.toBase64 === "function") return bytes.toBase64();
    let units = "";
    for (let at = 0; at < bytes.length; at += CHUNK) {
      units += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
    }
    return btoa(units);
  }
  function fromBase64(text) {
    if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text).buffer;
    const units = atob(text);
    const bytes = new Uint8Array(units.length);
    for (let i = 0; i < units.length; i++) bytes[i] = units.charCodeAt(i);
    return bytes.buffer;
  }

  // src/engine/packet.js
  var NAMES = Object.freeze(["open", "close", "ping", "pong", "message", "upgrade", "noop"]);
  var CODES = new Map(NAMES.map((name, code) => [name, String(code)]));
  var SEPARATOR = "";
  function encodeText({ type, data }) {
    if (isBinary(data)) return `b${toBase64(data)}`;
    return CODES.get(type) + (data ?? "");
  }
  function decodeText(text) {
    if (text.startsWith("b")) return { type: "message", data: fromBase64(text.slice(1)) };
    const type = /^[0-6]/.test(text) ? NAMES[text.charCodeAt(0) - 48] : void 0;
    if (!type) throw new Error("unknown Engine.IO packet type");
    return text.length > 1 ? { type, data: text.slice(1) } : { type };
  }
  function encodedLength({ data }) {
    if (data === void 0 || data === null) return 1;
    if (typeof data === "string") return 1 + utf8Length(data);
    return 1 + Math.ceil(byteLength(data) / 3) * 4;
  }
  function encodePayload(packets) {
    return packets.map(encodeText).join(SEPARATOR);
  }
  function splitPayload(body) {
    return body.split(SEPARATOR);
  }
  function countFitting(packets, limit) {
    let total = 0;
    for (let i = 0; i < packets.length; i++) {
      total += encodedLength(packets[i]) + (i > 0 ? SEPARATOR.length : 0);
      if (i > 0 && total > limit) return i;
    }
    return packets.length;
  }

  // src/emitter.js
  function invoke(listener, target, args) {
    try {
      listener.apply(target, args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
  function keyOf(event) {
    return typeof event === "number" ? String(event) : event;
  }
  var Emitter = class {
    #table = /* @__PURE__ */ new Map();
    /** Adds a listener, called in order of registration. */
    on(event, listener) {
      const key = keyOf(event);
      const list = this.#table.get(key);
      if (list) {
        list.push({ listener, once: false });
      } else {
        this.#table.set(key, [{ listener, once: false }]);
      }
      return this;
    }
    /** Adds a listener that is removed before its first call. */
    once(event, listener) {
      this.on(event, listener);
      this.#table.get(keyOf(event)).at(-1).once = true;
      return this;
    }
    /** Removes one listener; all of an event; or, without arguments, all of all events. */
    off(event, listener) {
      if (event === void 0) {
        this.#table.clear();
        return this;
      }
      const key = keyOf(event);
      const list = this.#table.get(key);
      if (!list) return this;
      const at = listener ? list.findIndex((entry) => entry.listener === listener) : -1;
      if (at >= 0) list.splice(at, 1);
      if (!listener || list.length === 0) this.#table.delete(key);
      return this;
    }
    /** Calls the listeners of an event. `Socket` overrides it: there, `emit` sends. */
    emit(event, ...args) {
      this.emitLocal(event, ...args);
      return this;
    }
    /** Calls the listeners of an event that are registered at this moment. */
    emitLocal(event, ...args) {
      const list = this.#table.get(keyOf(event));
      if (!list) return;
      for (const entry of [...list]) {
        if (entry.once) this.#remove(event, entry);
        invoke(entry.listener, this, args);
      }
    }
    #remove(event, entry) {
      const key = keyOf(event);
      const list = this.#table.get(key);
      const at = list ? list.indexOf(entry) : -1;
      if (at >= 0) list.splice(at, 1);
      if (list?.length === 0) this.#table.delete(key);
    }
    /** A copy of the listeners of an event. */
    listeners(event) {
      return (this.#table.get(keyOf(event)) ?? []).map((entry) => entry.listener);
    }
    /** Whether an event has a listener. */
    hasListeners(event) {
      return this.#table.has(keyOf(event));
    }
    addEventListener(event, listener) {
      return this.on(event, listener);
    }
    removeListener(event, listener) {
      return this.off(event, listener);
    }
    removeAllListeners(event) {
      return this.off(event);
    }
    removeEventListener(event, listener) {
      return this.off(event, listener);
    }
  };

  // src/engine/transport.js
  var TransportError = class extends Error {
    type = "TransportError";
    constructor(reason, description, context) {
      super(reason);
      this.description = description;
      this.context = context;
    }
  };
  var Transport = class extends Emitter {
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
        (error) => this.fail("blob read error", error)
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
  };
  async function readBlob(packet) {
    return isBlob(packet.data) ? { ...packet, data: await packet.data.arrayBuffer() } : packet;
  }
  function stampOf() {
    return Date.now().toString(36).slice(3) + Math.random().toString(36).slice(2, 7);
  }

  // src/engine/polling.js
  var FAREWELL_TIMEOUT = 5e3;
  var REFUSAL_TEXT_MAX = 4096;
  var Polling = class extends Transport {
    #polling = false;
    #abort = new AbortController();
    /** Called when the poll or the POST under way has ended, while pausing. */
    #settled = null;
    /** Ends the last requests of a closed transport. */
    #farewell;
    /** Closed before the first answer: the server may have a session that it was not told to end. */
    #closedEarly = false;
    static available() {
      return typeof fetch === "function";
    }
    get name() {
      return "polling";
    }
    doOpen() {
      this.#poll();
    }
    /** After `pause` no request is under way: the server may move to the other transport. */
    pause(paused) {
      this.readyState = "pausing";
      this.#settled = () => {
        if (this.readyState !== "pausing" || this.#polling || !this.writable) return;
        this.#settled = null;
        this.readyState = "paused";
        paused();
      };
      this.#settled();
    }
    resume() {
      if (this.readyState === "closed") return;
      this.readyState = "open";
      this.#settled = null;
      if (!this.#polling) this.#poll();
    }
    async #poll() {
      this.#polling = true;
      this.emit("poll");
      let body;
      try {
        body = await this.#request("GET", null, this.#abort.signal);
      } catch (error) {
        this.#polling = false;
        if (this.#closedEarly) clearTimeout(this.#farewell);
        this.#failed("fetch read error", error);
        return;
      }
      this.#polling = false;
      if (this.readyState === "closed") {
        if (this.#closedEarly) this.#leaveLate(body);
        return;
      }
      this.#receive(body);
    }
    #receive(body) {
      for (const text of splitPayload(body)) {
        let packet;
        try {
          packet = decodeText(text);
        } catch (error) {
          this.fail("fetch read error", error);
          return;
        }
        if (packet.type === "close") {
          this.ended({ description: "transport closed by the server" });
          return;
        }
        if (packet.type === "open" && this.readyState === "opening") this.opened();
        this.emit("packet", packet);
        if (this.readyState === "closed") return;
      }
      this.emit("pollComplete");
      if (this.readyState === "open") this.#poll();
      this.#settled?.();
    }
    async write(packets) {
      try {
        await this.#request("POST", encodePayload(packets), this.#abort.signal);
      } catch (error) {
        this.#failed("fetch write error", error);
        return;
      }
      this.drained();
      this.#settled?.();
    }
    doClose(before) {
      if (before === "failed" || before === "ended") {
        this.#abort.abort();
        return;
      }
      this.#farewell = setTimeout(() => this.#abort.abort(), FAREWELL_TIMEOUT);
      this.#closedEarly = before === "opening";
      if (!this.#closedEarly) this.#leave();
    }
    /** Tells the server, which then answers the poll that is under way. */
    async #leave() {
      const body = encodeText({ type: "close" });
      try {
        await this.#request("POST", body, this.#abort.signal, { keepalive: true });
      } catch {
      }
      clearTimeout(this.#farewell);
      this.#abort.abort();
    }
    /** Leaves a session that was opened while the application already closed it. */
    #leaveLate(body) {
      try {
        const { type, data } = decodeText(splitPayload(body)[0]);
        if (type === "open") this.query.sid = JSON.parse(data).sid;
      } catch {
      }
      if (this.query.sid) this.#leave();
      else clearTimeout(this.#farewell);
    }
    #failed(reason, cause) {
      if (!(cause instanceof Refusal)) {
        this.fail(reason, cause);
        return;
      }
      const { status, responseText } = cause;
      const error = new TransportError(reason, status, { status, responseText });
      error.data = reasonOf(responseText);
      this.failWith(error);
    }
    async #request(method, body, signal, extra) {
      const { options } = this;
      const headers = new Headers(options.extraHeaders);
      if (body !== null) headers.set("content-type", "text/plain;charset=UTF-8");
      const response = await fetch(this.uri("http", options.timestampRequests !== false), {
        method,
        body,
        headers,
        signal: withTimeout(signal, options.requestTimeout),
        cache: "no-store",
        credentials: options.withCredentials ? "include" : "same-origin",
        ...extra
      });
      const text = await response.text();
      if (!response.ok) throw new Refusal(response.status, text.slice(0, REFUSAL_TEXT_MAX));
      return text;
    }
  };
  var Refusal = class extends Error {
    constructor(status, responseText) {
      super(`HTTP status ${status}`);
      this.status = status;
      this.responseText = responseText;
    }
  };
  function reasonOf(text) {
    try {
      return JSON.parse(text);
    } catch {
      return void 0;
    }
  }
  function withTimeout(signal, milliseconds) {
    return milliseconds ? AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]) : signal;
  }

  // src/engine/websocket.js
  var CONGESTED_FROM = 16 * 1024;
  var ignore = () => {
  };
  var WebSocketTransport = class _WebSocketTransport extends Transport {
    #socket = null;
    static available(options) {
      return typeof (options.WebSocket ?? globalThis.WebSocket) === "function";
    }
    get name() {
      return "websocket";
    }
    get congested() {
      return (this.#socket?.bufferedAmount ?? 0) > CONGESTED_FROM;
    }
    doOpen() {
      if (!_WebSocketTransport.available(this.options)) {
        queueMicrotask(() => this.fail("websocket error", "WebSocket is not available here"));
        return;
      }
      try {
        this.#socket = this.#create();
      } catch (error) {
        queueMicrotask(() => this.fail("websocket error", error));
        return;
      }
      this.#listen(this.#socket);
    }
    #create() {
      const { WebSocket: given, protocols, extraHeaders, timestampRequests } = this.options;
      const uri = this.uri("ws", timestampRequests === true);
      const subprotocols = protocols ?? [];
      if (given && extraHeaders) return new given(uri, subprotocols, { headers: extraHeaders });
      return new (given ?? globalThis.WebSocket)(uri, subprotocols);
    }
    #listen(socket) {
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.opened();
      socket.onerror = (event) => this.fail("websocket error", event);
      socket.onclose = (event) => this.ended({ description: "websocket connection closed", context: event });
      socket.onmessage = ({ data }) => this.#receive(data);
    }
    #receive(data) {
      if (this.readyState === "closed") return;
      let packet;
      try {
        packet = typeof data === "string" ? decodeText(data) : { type: "message", data };
      } catch (error) {
        this.fail("websocket error", error);
        return;
      }
      if (packet.type === "close") {
        this.ended({ description: "transport closed by the server" });
        return;
      }
      this.emit("packet", packet);
    }
    write(packets) {
      for (const packet of packets) {
        const raw = isBinary(packet.data) && !this.options.forceBase64;
        this.#socket.send(raw ? packet.data : encodeText(packet));
      }
      queueMicrotask(() => this.drained());
    }
    doClose() {
      const socket = this.#socket;
      if (!socket) return;
      socket.onopen = socket.onclose = socket.onmessage = null;
      socket.onerror = ignore;
      socket.close();
    }
  };

  // src/backoff.js
  var EXPONENT_MAX = 30;
  var Backoff = class {
    /** Waits given since the last `reset`. */
    attempts = 0;
    /**
     * @param {{min: number, max: number, jitter: number}} options milliseconds; `jitter` is the
     *   part of a wait, 0 to 1, by which it may be shorter or longer
     * @param {() => number} random from 0 to 1
     */
    constructor({ min, max, jitter }, random = Math.random) {
      this.min = min;
      this.max = max;
      this.jitter = jitter;
      this.random = random;
    }
    /** The next wait in milliseconds. */
    next() {
      const exponent = Math.min(this.attempts, EXPONENT_MAX);
      this.attempts += 1;
      const wait = Math.min(this.min * 2 ** exponent, this.max);
      const spread = wait * this.jitter * (2 * this.random() - 1);
      return Math.round(Math.max(0, Math.min(wait + spread, this.max)));
    }
    reset() {
      this.attempts = 0;
    }
  };

  // src/engine/heartbeat.js
  var TICK = 5e3;
  var clocks = () => [Date.now(), performance.now()];
  var Heartbeat = class {
    #period;
    #onExpired;
    #deadlines;
    #timer;
    /**
     * @param {number} period milliseconds without a ping after which the connection is dead
     * @param {() => void} onExpired called once, then the heartbeat has stopped
     */
    constructor(period, onExpired) {
      this.#period = period;
      this.#onExpired = onExpired;
      this.beat();
    }
    /** A ping came. */
    beat() {
      this.#deadlines = clocks().map((now) => now + this.#period);
      this.#arm();
    }
    /** Whether the connection is dead, though no timer may have said so yet. */
    get expired() {
      return clocks().some((now, i) => now >= this.#deadlines[i]);
    }
    stop() {
      clearTimeout(this.#timer);
    }
    #arm() {
      clearTimeout(this.#timer);
      const left = Math.min(...clocks().map((now, i) => this.#deadlines[i] - now));
      this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.min(left, TICK)));
    }
    #tick() {
      if (this.expired) this.#onExpired();
      else this.#arm();
    }
  };

  // src/engine/transports.js
  var TABLE = /* @__PURE__ */ new Map([
    ["polling", Polling],
    ["websocket", WebSocketTransport]
  ]);
  var DEFAULT_TRANSPORTS = Object.freeze(["polling", "websocket"]);
  function selectTransports(list) {
    const selected = /* @__PURE__ */ new Map();
    for (const entry of list) {
      const made = typeof entry === "function";
      const name = made ? entry.prototype.name : entry;
      const transport = made ? entry : TABLE.get(name);
      if (transport) selected.set(name, transport);
    }
    return selected;
  }

  // src/engine/options.js
  var DEFAULTS = Object.freeze({
    path: "/engine.io",
    addTrailingSlash: true,
    transports: DEFAULT_TRANSPORTS,
    transportOptions: Object.freeze({}),
    upgrade: true,
    rememberUpgrade: false,
    tryAllTransports: false,
    withCredentials: false,
    timestampParam: "t",
    closeOnBeforeunload: false,
    forceBase64: false
  });
  function addressOf(uri, options) {
    if (uri) return parseAddress(uri);
    const { hostname = options.host, port, secure } = options;
    if (!hostname) return parseAddress(void 0);
    const host = String(hostname);
    const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    const overTls = secure ?? (typeof location !== "undefined" && location.protocol === "https:");
    return parseAddress(`${overTls ? "https" : "http"}://${bare}${port ? `:${port}` : ""}`);
  }
  function resolveOptions(uri, given) {
    const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== void 0));
    const options = { ...DEFAULTS, ...set };
    const { secure, hostname, port, query } = addressOf(uri, options);
    const chosen = options.query ?? query ?? {};
    const stem = options.path.replace(/\/$/, "");
    return {
      ...options,
      secure,
      hostname,
      port,
      path: options.addTrailingSlash ? `${stem}/` : stem,
      query: typeof chosen === "string" ? parseQuery(chosen) : { ...chosen }
    };
  }

  // src/engine/page.js
  var onPage = typeof addEventListener === "function" && typeof removeEventListener === "function";
  var offlineListeners = /* @__PURE__ */ new Set();
  if (onPage) {
    addEventListener("offline", () => {
      for (const listener of [...offlineListeners]) listener();
    });
  }
  function isLoopback(hostname) {
    return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  }
  function watchPage({ hostname, closeOnBeforeunload }, { offline, unload }) {
    if (!onPage) return () => {
    };
    if (!isLoopback(hostname)) offlineListeners.add(offline);
    if (closeOnBeforeunload) addEventListener("beforeunload", unload);
    return () => {
      offlineListeners.delete(offline);
      removeEventListener("beforeunload", unload);
    };
  }

  // src/engine/upgrade.js
  var Upgrade = class {
    /** The transport that is being tried. */
    transport;
    #report;
    #done = false;
    /**
     * @param {import("./transport.js").Transport} transport not yet opened
     * @param {{began: () => void, paused: () => void, failed: (error: Error) => void}} report
     */
    constructor(transport, report) {
      this.transport = transport;
      this.#report = report;
    }
    start() {
      const { transport } = this;
      transport.on("open", () => transport.send([{ type: "ping", data: "probe" }]));
      transport.once("packet", (packet) => this.#onAnswer(packet));
      transport.on("error", (error) => this.#fail(error.message));
      transport.on("close", () => this.#fail("transport closed"));
      transport.open();
    }
    #onAnswer({ type, data }) {
      if (type === "pong" && data === "probe") this.#report.began();
      else this.#fail("unexpected answer");
    }
    /** The old transport is paused: the new one takes over. */
    confirm() {
      if (this.#done) return;
      this.#done = true;
      this.transport.off();
      this.#report.paused();
    }
    /** Drops the attempt without a word. */
    abandon() {
      if (this.#done) return;
      this.#done = true;
      this.transport.off();
      this.transport.close();
    }
    #fail(reason) {
      if (this.#done) return;
      this.abandon();
      const error = new Error(`probe error: ${reason}`);
      error.transport = this.transport.name;
      this.#report.failed(error);
    }
  };

  // src/engine/engine.js
  var Engine = class _Engine extends Emitter {
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
    #upgrades = /* @__PURE__ */ new Set();
    #heartbeat = null;
    #maxPayload = Infinity;
    /** How many packets of the queue the transport has now. */
    #inFlight = 0;
    #unwatch = () => {
    };
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
        unload: () => this.#leavePage()
      });
      this.#tryNext();
      return this;
    }
    #tryNext() {
      const names = [...this.#candidates.keys()];
      const { rememberUpgrade } = this.#options;
      const remembered = rememberUpgrade && _Engine.priorWebsocketSuccess && names.includes("websocket");
      const name = remembered ? "websocket" : names[0];
      if (name === void 0) {
        queueMicrotask(() => this.#fail(new Error("No transports available")));
        return;
      }
      this.#adopt(this.#make(name));
      this.transport.open();
    }
    #make(name) {
      const { transportOptions, query } = this.#options;
      const own = { ...query, EIO: _Engine.protocol, transport: name };
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
      _Engine.priorWebsocketSuccess = this.transport.name === "websocket";
      this.emit("open");
      this.#flush();
      if (this.readyState === "open" && this.#options.upgrade) this.#probe(handshake.upgrades);
    }
    #probe(names) {
      const usable = (name) => this.#candidates.has(name) && this.#candidates.get(name).available(this.#options);
      for (const name of new Set(names)) {
        if (name === this.transport.name || !usable(name)) continue;
        const upgrade = new Upgrade(this.#make(name), {
          began: () => this.#onUpgrading(upgrade),
          paused: () => this.#onPaused(upgrade),
          failed: (error) => this.#onUpgradeFailed(upgrade, error)
        });
        this.#upgrades.add(upgrade);
        upgrade.start();
      }
    }
    #onUpgrading(winner) {
      for (const upgrade of this.#upgrades) {
        if (upgrade !== winner) upgrade.abandon();
      }
      this.#upgrades = /* @__PURE__ */ new Set([winner]);
      this.upgrading = true;
      this.emit("upgrading", winner.transport);
      if (this.readyState === "closed") return;
      this.transport.pause(() => winner.confirm());
    }
    #onPaused(winner) {
      if (this.readyState === "closed") return;
      this.#upgrades.delete(winner);
      this.#adopt(winner.transport);
      _Engine.priorWebsocketSuccess = winner.transport.name === "websocket";
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
      _Engine.priorWebsocketSuccess = false;
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
      this.writeBuffer = [];
      this.#inFlight = 0;
    }
    /** The page goes: the transport closes silently, because nobody is there for the events. */
    #leavePage() {
      this.transport?.off();
      this.transport?.close();
    }
  };
  var isDuration = (value) => Number.isFinite(value) && value > 0;
  function readHandshake(text) {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return void 0;
    }
    const valid = typeof data?.sid === "string" && data.sid !== "" && isDuration(data.pingInterval) && isDuration(data.pingTimeout) && Array.isArray(data.upgrades);
    return valid ? data : void 0;
  }

  // src/parser.js
  var protocol = 5;
  var PacketType = Object.freeze({
    CONNECT: 0,
    DISCONNECT: 1,
    EVENT: 2,
    ACK: 3,
    CONNECT_ERROR: 4,
    BINARY_EVENT: 5,
    BINARY_ACK: 6
  });
  var MAX_ATTACHMENTS = 10;
  var RESERVED_EVENTS = /* @__PURE__ */ new Set([
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener"
  ]);
  var BINARY_FORM = /* @__PURE__ */ new Map([
    [PacketType.EVENT, PacketType.BINARY_EVENT],
    [PacketType.ACK, PacketType.BINARY_ACK]
  ]);
  var Encoder = class {
    #maxAttachments;
    constructor({ maxAttachments = MAX_ATTACHMENTS } = {}) {
      this.#maxAttachments = maxAttachments;
    }
    /**
     * @param {Packet} packet
     * @returns {(string | ArrayBuffer | ArrayBufferView | Blob)[]} a text and the bytes after it
     * @throws {RangeError} on more binary values than a packet may have
     * @throws {TypeError} on what JSON cannot hold: a cycle, a `BigInt`
     */
    encode({ type, nsp, id, data }) {
      const attachments = [];
      const binaryType = BINARY_FORM.get(type);
      const json = data === void 0 ? "" : JSON.stringify(data, binaryType && replaceBinary(attachments, this.#maxAttachments));
      const head = attachments.length > 0 ? `${binaryType}${attachments.length}-` : `${type}`;
      const room = nsp === "/" ? "" : `${nsp},`;
      return [`${head}${room}${id ?? ""}${json}`, ...attachments];
    }
  };
  function replaceBinary(attachments, limit) {
    return function replace(key, value) {
      const original = this[key];
      if (!isBinary(original)) return value;
      if (attachments.length === limit) {
        throw new RangeError(`a packet may have at most ${limit} binary values`);
      }
      attachments.push(original);
      return { _placeholder: true, num: attachments.length - 1 };
    };
  }
  var Decoder = class extends Emitter {
    #maxAttachments;
    /** The packet whose bytes are still to come, with `count` and what came. */
    #partial = null;
    constructor({ maxAttachments = MAX_ATTACHMENTS } = {}) {
      super();
      this.#maxAttachments = maxAttachments;
    }
    /**
     * @param {string | ArrayBuffer} message
     * @throws {Error} on a malformed packet; the connection cannot go on then
     */
    add(message) {
      if (typeof message === "string") this.#addText(message);
      else this.#addBytes(message);
    }
    /** Forgets the packet that waits for its bytes. */
    destroy() {
      this.#partial = null;
    }
    #addText(text) {
      if (this.#partial) throw new Error("text came where bytes were due");
      const { count, packet } = decodeText2(text, this.#maxAttachments);
      if (count > 0) this.#partial = { packet, count, attachments: [] };
      else this.emitLocal("decoded", packet);
    }
    #addBytes(bytes) {
      const partial = this.#partial;
      if (!partial) throw new Error("bytes came where none were due");
      partial.attachments.push(bytes);
      if (partial.attachments.length < partial.count) return;
      this.#partial = null;
      partial.packet.data = restoreBinary(partial.packet.data, partial.attachments);
      this.emitLocal("decoded", partial.packet);
    }
  };
  var HEAD_FORM = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?/;
  function decodeText2(text, maxAttachments) {
    const head = HEAD_FORM.exec(text) ?? reject("unknown packet type");
    const binary = head[1] === "5" || head[1] === "6";
    if (binary !== (head[2] !== void 0)) reject("a count of attachments is missing or too much");
    const count = Number(head[2] ?? 0);
    if (count > maxAttachments) reject(`more than ${maxAttachments} attachments`);
    const packet = { type: binary ? Number(head[1]) - 3 : Number(head[1]), nsp: head[3] ?? "/" };
    if (head[4] !== void 0) packet.id = Number(head[4]);
    const json = text.slice(head[0].length);
    if (json !== "") packet.data = JSON.parse(json);
    if (!isPayload(packet)) reject("invalid payload");
    return { count, packet };
  }
  function reject(reason) {
    throw new Error(`invalid Socket.IO packet: ${reason}`);
  }
  var isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  function isPayload({ type, id, data }) {
    switch (type) {
      case PacketType.CONNECT:
        return data === void 0 || isObject(data);
      case PacketType.DISCONNECT:
        return data === void 0;
      case PacketType.CONNECT_ERROR:
        return typeof data === "string" || isObject(data);
      case PacketType.ACK:
        return Number.isSafeInteger(id) && Array.isArray(data);
      default:
        return isEvent(data) && (id === void 0 || Number.isSafeInteger(id));
    }
  }
  function isEvent(data) {
    if (!Array.isArray(data)) return false;
    const name = data[0];
    return typeof name === "number" || typeof name === "string" && !RESERVED_EVENTS.has(name);
  }
  function restoreBinary(value, attachments) {
    if (typeof value !== "object" || value === null) return value;
    if (value._placeholder === true) {
      const valid = Number.isInteger(value.num) && value.num >= 0 && value.num < attachments.length;
      return valid ? attachments[value.num] : reject("a placeholder without attachment");
    }
    for (const key of Object.keys(value)) {
      const before = value[key];
      const after = restoreBinary(before, attachments);
      if (after !== before) value[key] = after;
    }
    return value;
  }

  // src/acks.js
  var takesError = /* @__PURE__ */ new WeakSet();
  function withError(callback) {
    takesError.add(callback);
    return callback;
  }
  function firstCallOnly(callback) {
    let called = false;
    return (...args) => {
      if (called) return;
      called = true;
      callback(args);
    };
  }
  var Acks = class {
    #owner;
    #next = 0;
    #pending = /* @__PURE__ */ new Map();
    /** @param {object} owner `this` of the callbacks */
    constructor(owner) {
      this.#owner = owner;
    }
    /**
     * @param {Function} callback takes the answer; with a timeout, an error or null before it
     * @param {number | undefined} timeout milliseconds
     * @param {(id: number) => void} timedOut called before the callback hears of it
     * @returns {number} the id to send
     */
    register(callback, timeout, timedOut) {
      const id = this.#next++;
      const entry = { callback, withError: timeout !== void 0 || takesError.has(callback) };
      if (timeout !== void 0) {
        entry.timer = setTimeout(() => {
          timedOut(id);
          this.reject(id, new Error("operation has timed out"));
        }, timeout);
      }
      this.#pending.set(id, entry);
      return id;
    }
    /** The answer came. An id that is not (or no longer) pending is ignored. */
    resolve(id, args) {
      const entry = this.drop(id);
      if (!entry) return;
      invoke(entry.callback, this.#owner, entry.withError ? [null, ...args] : args);
    }
    /** No answer will come. Callbacks that take no error are forgotten. */
    reject(id, error) {
      const entry = this.drop(id);
      if (entry?.withError) invoke(entry.callback, this.#owner, [error]);
    }
    /** Rejects all, except those whose event has not been sent yet. */
    rejectAll(error, isUnsent) {
      for (const id of [...this.#pending.keys()]) {
        if (!isUnsent(id)) this.reject(id, error);
      }
    }
    /** Forgets one without calling it. */
    drop(id) {
      const entry = this.#pending.get(id);
      if (!entry) return void 0;
      clearTimeout(entry.timer);
      this.#pending.delete(id);
      return entry;
    }
  };

  // src/catch-all.js
  var Listeners = class {
    #list = [];
    append(listener) {
      this.#list.push(listener);
    }
    prepend(listener) {
      this.#list.unshift(listener);
    }
    remove(listener) {
      if (!listener) {
        this.#list = [];
        return;
      }
      const at = this.#list.indexOf(listener);
      if (at >= 0) this.#list.splice(at, 1);
    }
    copy() {
      return [...this.#list];
    }
  };
  var CatchAllEmitter = class extends Emitter {
    #incoming = new Listeners();
    #outgoing = new Listeners();
    /** For the subclass: an event came in, called before its own listeners. */
    _observeIncoming(args) {
      for (const listener of this.#incoming.copy()) invoke(listener, this, args);
    }
    /** For the subclass: an event goes out. */
    _observeOutgoing(args) {
      for (const listener of this.#outgoing.copy()) invoke(listener, this, args);
    }
    /** Adds a listener of all incoming events. */
    onAny(listener) {
      this.#incoming.append(listener);
      return this;
    }
    /** The same, called before the others. */
    prependAny(listener) {
      this.#incoming.prepend(listener);
      return this;
    }
    /** Removes one of these listeners, or all. */
    offAny(listener) {
      this.#incoming.remove(listener);
      return this;
    }
    /** The listeners of all incoming events. */
    listenersAny() {
      return this.#incoming.copy();
    }
    /** Adds a listener of all events that are sent; acknowledgements are not events. */
    onAnyOutgoing(listener) {
      this.#outgoing.append(listener);
      return this;
    }
    /** The same, called before the others. */
    prependAnyOutgoing(listener) {
      this.#outgoing.prepend(listener);
      return this;
    }
    /** Removes one of these listeners, or all. */
    offAnyOutgoing(listener) {
      this.#outgoing.remove(listener);
      return this;
    }
    /** The listeners of all events that are sent. */
    listenersAnyOutgoing() {
      return this.#outgoing.copy();
    }
  };

  // src/handshake.js
  var REJOIN_DELAY = 20;
  var Answer = Object.freeze({ CURRENT: "current", ABANDONED: "abandoned", NONE: "none" });
  var Handshake = class {
    #askPayload;
    #send;
    /** Whose answer is awaited. */
    #awaited = Answer.NONE;
    /** Counts attempts, so that what comes late for an earlier one is not used. */
    #attempt = 0;
    #leftAt = -Infinity;
    /**
     * @param {(give: (payload: unknown) => void) => void} askPayload may give it later
     * @param {(payload: unknown) => void} send sends the CONNECT packet
     */
    constructor(askPayload, send) {
      this.#askPayload = askPayload;
      this.#send = send;
    }
    /** Starts, unless an answer is awaited; then the socket starts again when that has come. */
    start() {
      if (this.#awaited !== Answer.NONE) return;
      const attempt = ++this.#attempt;
      const isCurrent = () => attempt === this.#attempt && this.#awaited === Answer.NONE;
      const wait = this.#leftAt + REJOIN_DELAY - performance.now();
      if (wait > 0) {
        setTimeout(() => isCurrent() && this.start(), Math.ceil(wait));
        return;
      }
      this.#askPayload((payload) => {
        if (!isCurrent()) return;
        this.#awaited = Answer.CURRENT;
        this.#send(payload);
      });
    }
    /** The socket does not want to connect any more. */
    abandon() {
      this.#attempt += 1;
      if (this.#awaited === Answer.CURRENT) this.#awaited = Answer.ABANDONED;
    }
    /** The connection is gone, and with it all answers. */
    reset() {
      this.#attempt += 1;
      this.#awaited = Answer.NONE;
      this.#leftAt = -Infinity;
    }
    /** A DISCONNECT packet was sent. */
    left() {
      this.#leftAt = performance.now();
    }
    /** An answer came; tells to what. */
    takeAnswer() {
      const awaited = this.#awaited;
      this.#awaited = Answer.NONE;
      return awaited;
    }
  };

  // src/retry-queue.js
  var RetryQueue = class {
    #waiting = [];
    #retries;
    #isReady;
    #send;
    /** The attempt under way; answers to earlier ones do not count. */
    #current = null;
    /**
     * @param {number} retries how often an event is sent again after the first attempt
     * @param {() => boolean} isReady whether events can be sent now
     * @param {(args: unknown[], flags: object) => void} send sends an event with its ack
     */
    constructor(retries, isReady, send) {
      this.#retries = retries;
      this.#isReady = isReady;
      this.#send = send;
    }
    /** Takes an event; its last argument may be a callback, which gets an error first. */
    add(args, flags) {
      const callback = typeof args.at(-1) === "function" ? args.pop() : void 0;
      this.#waiting.push({ args, flags, callback, attempts: 0 });
      this.drain();
    }
    /** Sends the first event, unless it is already under way. */
    drain() {
      const entry = this.#waiting[0];
      if (!entry || this.#current || !this.#isReady()) return;
      const attempt = {};
      this.#current = attempt;
      entry.attempts += 1;
      const answered = withError((error, ...answer) => {
        if (this.#current !== attempt) return;
        this.#current = null;
        this.#settle(entry, error, answer);
      });
      try {
        this.#send([...entry.args, answered], entry.flags);
      } catch (error) {
        this.#current = null;
        entry.attempts = Infinity;
        this.#settle(entry, error, []);
      }
    }
    #settle(entry, error, answer) {
      if (!error || entry.attempts > this.#retries) {
        this.#waiting.shift();
        if (entry.callback) invoke(entry.callback, void 0, error ? [error] : [null, ...answer]);
      }
      this.drain();
    }
  };

  // src/socket.js
  var Socket = class extends CatchAllEmitter {
    /** The `Manager` of the connection. */
    io;
    /** Namespace, such as `/` or `/chat`. */
    nsp;
    /** Id of this socket at the server; undefined while not connected. */
    id = void 0;
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
    constructor(io2, nsp, options = {}) {
      super();
      this.io = io2;
      this.nsp = nsp;
      this.#options = { ...options };
      this.auth = options.auth;
      this.#handshake = new Handshake(
        (give) => this.#askPayload(give),
        (payload) => this.#sendConnect(payload)
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
      return new Promise((resolve, reject2) => {
        const answered = withError((error, value) => error ? reject2(error) : resolve(value));
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
      const callback = typeof args.at(-1) === "function" ? args.pop() : void 0;
      if (callback) packet.id = this.#acks.register(callback, timeout, (id) => this.#forget(id));
      if (volatile && !(live && this.io._isWritable)) {
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
      const session = this.#pid ? { pid: this.#pid, offset: this.#offset } : void 0;
      const complete2 = (auth) => give(session ? { ...session, ...auth } : auth);
      if (typeof this.auth === "function") invoke(this.auth, this, [complete2]);
      else complete2(this.auth);
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
        if (accepted) this.#leave();
        if (this.#active) this.#handshake.start();
      }
      return answered === Answer.CURRENT;
    }
    #onConnect(data) {
      if (!this.#isAnswer(true)) return;
      if (typeof data?.sid !== "string") {
        this.#refused(
          new Error("the server speaks an older protocol: Socket.IO 3 or later is needed")
        );
        return;
      }
      this.id = data.sid;
      this.recovered = Boolean(data.pid) && data.pid === this.#pid;
      this.#pid = data.pid;
      if (!this.#pid) this.#offset = void 0;
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
      this.id = void 0;
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
        []
      );
    }
    #deliver(id, data) {
      const args = id === void 0 ? data : [...data, this.#answer(id)];
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
  };

  // src/manager.js
  var standardParser = { Decoder, Encoder };
  var DEFAULTS2 = Object.freeze({
    reconnectionDelay: 1e3,
    reconnectionDelayMax: 5e3,
    randomizationFactor: 0.5,
    timeout: 2e4
  });
  var Manager = class extends Emitter {
    /** The connection in use, or the last one; undefined before the first. */
    engine;
    /** Options, read again for each connection: changes count from the next one on. */
    opts;
    /** The sockets by namespace. */
    nsps = /* @__PURE__ */ new Map();
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
      this.#uri = given === uri ? void 0 : uri;
      this.opts = { ...given };
      this.opts.path ||= "/socket.io";
      this.#configure(this.opts);
      const { parser = standardParser, maxAttachments } = this.opts;
      const limits = parser === standardParser ? { maxAttachments } : void 0;
      this.#encoder = new parser.Encoder(limits);
      this.#decoder = new parser.Decoder(limits);
      this.#decoder.on("decoded", (packet) => this.#onPacket(packet));
      this.#autoConnect = this.opts.autoConnect !== false;
      if (this.#autoConnect) this.open();
    }
    #configure(opts) {
      this.#reconnection = opts.reconnection !== false;
      this.#reconnectionAttempts = opts.reconnectionAttempts || Infinity;
      this.#timeout = opts.timeout ?? DEFAULTS2.timeout;
      this.#backoff = new Backoff({
        min: opts.reconnectionDelay || DEFAULTS2.reconnectionDelay,
        max: opts.reconnectionDelayMax || DEFAULTS2.reconnectionDelayMax,
        jitter: opts.randomizationFactor ?? DEFAULTS2.randomizationFactor
      });
    }
    /** Whether to reconnect. Each of these six reads without an argument and sets with one. */
    reconnection(value) {
      if (value === void 0) return this.#reconnection;
      this.#reconnection = Boolean(value);
      if (!this.#reconnection) this.#stopRetrying();
      return this;
    }
    /** Attempts before `reconnect_failed`. */
    reconnectionAttempts(value) {
      if (value === void 0) return this.#reconnectionAttempts;
      this.#reconnectionAttempts = value;
      return this;
    }
    /** Wait before the first attempt, in milliseconds; doubled for each further one. */
    reconnectionDelay(value) {
      if (value === void 0) return this.#backoff.min;
      this.#backoff.min = value;
      return this;
    }
    /** The longest wait, in milliseconds. */
    reconnectionDelayMax(value) {
      if (value === void 0) return this.#backoff.max;
      this.#backoff.max = value;
      return this;
    }
    /** The part of a wait, 0 to 1, by which it is shorter or longer at random. */
    randomizationFactor(value) {
      if (value === void 0) return this.#backoff.jitter;
      this.#backoff.jitter = value;
      return this;
    }
    /** Time for one attempt to connect, in milliseconds; false for no limit. */
    timeout(value) {
      if (value === void 0) return this.#timeout;
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
  };

  // src/index.js
  var managers = /* @__PURE__ */ new Map();
  function io(uri, opts) {
    const given = typeof uri === "object" && uri !== null ? uri : opts ?? {};
    const address = parseAddress(given === uri ? void 0 : uri);
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

  // src/classic.js
  globalThis.io = io;
})();
//# sourceMappingURL=socket.io.js.map

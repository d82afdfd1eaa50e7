// Bytes and packets by hand, for what no proper client sends: raw TCP, WebSocket frames,
// Engine.IO polling requests, and Socket.IO packets over a plain WebSocket.

import { randomBytes } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { WebSocket } from "ws";
import { DEADLINE_MS } from "./clients.mjs";

/** A TCP connection that remembers all it received. The test's end cuts it. */
export class Wire {
  received = Buffer.alloc(0);
  ended = false;
  #socket;
  #wake = () => {};

  constructor(t, server) {
    this.#socket = connectTcp(server.port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.#wake();
    });
    // A reset is an end too: the peer may cut a connection that still sends.
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.ended = true;
      this.#wake();
    });
    t.after(() => this.cut());
  }

  get text() {
    return this.received.toString("latin1");
  }

  write(data) {
    this.#socket.write(data);
    return this;
  }

  /** Sends no more, still reads. */
  finish() {
    this.#socket.end();
  }

  cut() {
    this.#socket.destroy();
  }

  /** Resets the connection: the server sees an error, not an end. */
  reset() {
    this.#socket.resetAndDestroy();
  }

  /** Waits until `probe` gives something, on what was received so far. */
  async until(probe, what = "the expected bytes") {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const found = probe();
      if (found) {
        return found;
      }
      if (this.ended || deadline.aborted) {
        const why = this.ended ? "the connection ended" : "too late";
        throw new Error(`${what}: ${why} after ${JSON.stringify(this.text.slice(0, 300))}`);
      }
      await new Promise((resolve) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", resolve, { once: true });
      });
    }
  }

  /** Waits for the end of the connection; the bytes received by then. */
  async end() {
    await this.until(() => this.ended, "the end");
    return this.text;
  }

  /** Takes one HTTP response with a Content-Length (or none, as 101, 204 and 304 have). */
  async response() {
    const head = await this.until(() => {
      const at = this.received.indexOf("\r\n\r\n");
      return at >= 0 && this.text.slice(0, at);
    }, "a response");
    const [first, ...lines] = head.split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const status = Number(first.split(" ")[1]);
    const length = Number(headers["content-length"] ?? 0);
    const start = head.length + 4;
    await this.until(() => this.received.length >= start + length, "the body");
    const body = this.text.slice(start, start + length);
    this.received = this.received.subarray(start + length);
    return { status, headers, body };
  }
}

/** The request line and headers of an HTTP request without a body; null leaves a header out. */
export function requestHead(server, method, target, headers = {}) {
  const all = { Host: `127.0.0.1:${server.port}`, ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : `${name}: ${value}`,
  );
  return `${[`${method} ${target} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** The headers of a WebSocket handshake; `other` overrides, null leaves out. */
export function upgradeHeaders(other = {}) {
  return {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...other,
  };
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/**
 * One WebSocket frame as a client sends it, or as it must not: `first` replaces the first byte,
 * `length` the announced length, `masked: false` leaves the mask out.
 */
export function frame(opcode, payload = "", { fin = true, rsv = 0, masked = true, length } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? BigInt(body.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mark = masked ? 0x80 : 0;
  let head;
  if (size < 126n) {
    head = Buffer.from([first, mark | Number(size)]);
  } else if (size < 65_536n) {
    head = Buffer.from([first, mark | 126, 0, 0]);
    head.writeUInt16BE(Number(size), 2);
  } else {
    head = Buffer.alloc(10);
    head.set([first, mark | 127]);
    head.writeBigUInt64BE(size, 2);
  }
  if (!masked) {
    return Buffer.concat([head, body]);
  }
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i % 4])]);
}

/** The payload of a Close frame. */
export function closeBody(code, reason = "") {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A WebSocket whose frames the test makes itself. */
export class FrameWire extends Wire {
  static async open(t, server, target, headers = {}) {
    const wire = new FrameWire(t, server);
    wire.write(requestHead(server, "GET", target, upgradeHeaders(headers)));
    const { status } = await wire.response();
    if (status !== 101) {
      throw new Error(`handshake answered ${status}`);
    }
    return wire;
  }

  /** Takes the next frame of the server: `{ fin, opcode, payload }`. */
  async frame() {
    const [size, at] = await this.until(() => this.#length(), "a frame");
    await this.until(() => this.received.length >= at + size, "the rest of a frame");
    const payload = this.received.subarray(at, at + size);
    const [first] = this.received;
    this.received = this.received.subarray(at + size);
    return { fin: Boolean(first & 0x80), opcode: first & 15, payload };
  }

  /** Length and start of the payload at the front, once its header is here. */
  #length() {
    const { received } = this;
    const short = received.length >= 2 ? received[1] : null;
    if (short === null || received.length < 2 + ({ 126: 2, 127: 8 }[short] ?? 0)) {
      return null;
    }
    switch (short) {
      case 126:
        return [received.readUInt16BE(2), 4];
      case 127:
        return [Number(received.readBigUInt64BE(2)), 10];
      default:
        return [short, 2];
    }
  }

  /** Takes frames up to the Close frame: `{ code, reason, before }`; the TCP end must follow. */
  async close() {
    const before = [];
    for (;;) {
      const next = await this.frame();
      if (next.opcode === OPCODE.close) {
        const code = next.payload.length >= 2 ? next.payload.readUInt16BE(0) : 1005;
        this.write(frame(OPCODE.close, next.payload.subarray(0, 2)));
        await this.end();
        return { code, reason: next.payload.subarray(2).toString(), before };
      }
      before.push(next);
    }
  }
}

/** The path of a Socket.IO handshake on that transport. */
export function enginePath(transport, query = "", path = "/socket.io/") {
  return `${path}?EIO=4&transport=${transport}${query}`;
}

/** One Engine.IO session on polling, request by request. */
export class Polling {
  constructor(server, path = "/socket.io/") {
    this.server = server;
    this.path = path;
  }

  static async open(server, path) {
    const polling = new Polling(server, path);
    const response = await fetch(server.url + enginePath("polling", "", path));
    polling.handshake = JSON.parse((await response.text()).slice(1));
    return polling;
  }

  get url() {
    return this.server.url + enginePath("polling", `&sid=${this.handshake.sid}`, this.path);
  }

  /** One GET: `{ status, body, headers }`. */
  async poll(init = {}) {
    const response = await fetch(this.url, { signal: AbortSignal.timeout(DEADLINE_MS), ...init });
    return { status: response.status, body: await response.text(), headers: response.headers };
  }

  /** One POST. */
  post(body, headers = { "Content-Type": "text/plain;charset=UTF-8" }) {
    return this.poll({ method: "POST", body, headers });
  }

  /** Joins the main namespace and takes its greeting. */
  async join() {
    await this.post("40");
    let all = "";
    while (!all.includes('"welcome"')) {
      all += (await this.poll()).body;
    }
    return this;
  }
}

/** Socket.IO packets as text over a plain WebSocket. */
export class PacketWire {
  packets = [];
  #wake = () => {};

  constructor(t, server, { query = "", path } = {}) {
    const url = server.url.replace("http", "ws") + enginePath("websocket", query, path);
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on("message", (data, isBinary) => {
      const packet = isBinary ? data : data.toString();
      if (packet === "2" && this.answersPings) {
        this.socket.send("3");
      } else {
        this.packets.push(packet);
        this.#wake();
      }
    });
    this.socket.on("error", () => {});
    this.answersPings = true;
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.isClosed = true;
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    t.after(() => this.socket.terminate());
  }

  /** Opens the session; with `join` also the main namespace. */
  static async open(t, server, { join = true, ...options } = {}) {
    const wire = new PacketWire(t, server, options);
    wire.handshake = JSON.parse((await wire.take((packet) => packet[0] === "0")).slice(1));
    if (join) {
      wire.send("40");
      wire.id = JSON.parse((await wire.take((packet) => packet.startsWith("40"))).slice(2)).sid;
      await wire.take((packet) => packet.includes('"welcome"'));
    }
    return wire;
  }

  send(...packets) {
    packets.forEach((packet) => this.socket.send(packet));
    return this;
  }

  /** Waits for the first packet that fits and takes it out. */
  async take(fits) {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const at = this.packets.findIndex(fits);
      if (at >= 0) {
        return this.packets.splice(at, 1)[0];
      }
      if (this.isClosed || deadline.aborted) {
        const why = this.isClosed ? "closed" : "too late";
        throw new Error(`no ${fits}: ${why} after ${JSON.stringify(this.packets)}`);
      }
      await new Promise((resolve) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", resolve, { once: true });
      });
    }
  }

  /** Waits for the close: `{ code, reason }`; rejects after the deadline. */
  close() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("still open")), DEADLINE_MS);
      this.closed.then((how) => {
        clearTimeout(timer);
        resolve(how);
      });
    });
  }
}

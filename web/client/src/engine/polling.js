// HTTP long-polling by fetch: one GET waits for packets, POSTs carry ours.

import { decodeText, encodePayload, encodeText, splitPayload } from "./packet.js";
import { Transport, TransportError } from "./transport.js";

/** How long the last requests of a closed transport may still take, in milliseconds. */
const FAREWELL_TIMEOUT = 5000;

/** How much of a refusal's body is kept in `error.context`, in UTF-16 units. */
const REFUSAL_TEXT_MAX = 4096;

export class Polling extends Transport {
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
      // A listener may have closed the connection: what follows is no longer wanted.
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
    // While opening, the server may have a session for us already: its name comes with the answer.
    this.#closedEarly = before === "opening";
    if (!this.#closedEarly) this.#leave();
  }

  /** Tells the server, which then answers the poll that is under way. */
  async #leave() {
    const body = encodeText({ type: "close" });
    try {
      await this.#request("POST", body, this.#abort.signal, { keepalive: true });
    } catch {
      // The connection is gone in any case: there is nobody left to tell.
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
      // Not an answer of Engine.IO: there is no session to leave.
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
    // This type needs no preflight on another origin.
    if (body !== null) headers.set("content-type", "text/plain;charset=UTF-8");
    const response = await fetch(this.uri("http", options.timestampRequests !== false), {
      method,
      body,
      headers,
      signal: withTimeout(signal, options.requestTimeout),
      cache: "no-store",
      credentials: options.withCredentials ? "include" : "same-origin",
      ...extra,
    });
    const text = await response.text();
    if (!response.ok) throw new Refusal(response.status, text.slice(0, REFUSAL_TEXT_MAX));
    return text;
  }
}

/** An HTTP answer that is not a success. */
class Refusal extends Error {
  constructor(status, responseText) {
    super(`HTTP status ${status}`);
    this.status = status;
    this.responseText = responseText;
  }
}

function reasonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withTimeout(signal, milliseconds) {
  return milliseconds ? AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]) : signal;
}

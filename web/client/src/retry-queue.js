// Events that are sent again until the server has acknowledged them: the option `retries`.

import { withError } from "./acks.js";
import { invoke } from "./emitter.js";

/** One event is under way at a time, so that the server sees them in order. */
export class RetryQueue {
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
    const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
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
      // It cannot be encoded, and will not be at the next attempt.
      this.#current = null;
      entry.attempts = Infinity;
      this.#settle(entry, error, []);
    }
  }

  #settle(entry, error, answer) {
    if (!error || entry.attempts > this.#retries) {
      this.#waiting.shift();
      if (entry.callback) invoke(entry.callback, undefined, error ? [error] : [null, ...answer]);
    }
    this.drain();
  }
}

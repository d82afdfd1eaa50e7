// Acknowledgements that the server owes.

import { invoke } from "./emitter.js";

/** Marks a callback that takes an error first, though no timeout is set for it. */
const takesError = new WeakSet();

/** Lets a callback take an error as first argument, null when the answer came. */
export function withError(callback) {
  takesError.add(callback);
  return callback;
}

/** A function that hands its arguments on at its first call, and does nothing at later ones. */
export function firstCallOnly(callback) {
  let called = false;
  return (...args) => {
    if (called) return;
    called = true;
    callback(args);
  };
}

export class Acks {
  #owner;
  #next = 0;
  #pending = new Map();

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
    const entry = { callback, withError: timeout !== undefined || takesError.has(callback) };
    if (timeout !== undefined) {
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
    if (!entry) return undefined;
    clearTimeout(entry.timer);
    this.#pending.delete(id);
    return entry;
  }
}

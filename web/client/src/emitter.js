// Listeners by event name, and the one place where code of the application is called.

/**
 * Calls a function of the application. What it throws reaches the host's own handler
 * (`window.onerror`, `uncaughtException`) and leaves the state of the client whole.
 *
 * @param {Function} listener
 * @param {unknown} target `this` inside the listener
 * @param {unknown[]} args
 */
export function invoke(listener, target, args) {
  try {
    listener.apply(target, args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Numbers are legal event names on the wire; they name the same event as their digits. */
function keyOf(event) {
  return typeof event === "number" ? String(event) : event;
}

/**
 * Event emitter with the methods of the one that `socket.io-client` shows.
 * The table is a `Map`, so that names such as `__proto__` or `constructor` are ordinary events.
 */
export class Emitter {
  #table = new Map();

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
    if (event === undefined) {
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
}

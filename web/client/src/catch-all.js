// Listeners of all events, the incoming or the outgoing ones.

import { Emitter, invoke } from "./emitter.js";

class Listeners {
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
}

/** An emitter whose incoming and outgoing events can be observed as a whole. */
export class CatchAllEmitter extends Emitter {
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
}

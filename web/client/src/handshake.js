// The CONNECT packet of a namespace and its answer (Socket.IO protocol, revision 5).

/**
 * Servers on Node handle CONNECT at once but DISCONNECT a moment later: of both in one read they
 * take the CONNECT for a second one, and close the connection. So long (in milliseconds) the
 * CONNECT waits after a DISCONNECT.
 */
const REJOIN_DELAY = 20;

/** What an answer belongs to. */
export const Answer = Object.freeze({ CURRENT: "current", ABANDONED: "abandoned", NONE: "none" });

/** One handshake at a time: a second CONNECT before the answer would end the connection too. */
export class Handshake {
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
}

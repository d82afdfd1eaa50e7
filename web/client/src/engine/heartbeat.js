// Notices that the server's pings stopped coming (Engine.IO protocol, revision 4: "Heartbeat").

/**
 * The longest wait of one timer, in milliseconds. Timers stand still while a machine sleeps:
 * after waking, the clock is read again no later than this.
 */
const TICK = 5000;

/** Two clocks: the wall clock goes on during sleep, the other is never set back. */
const clocks = () => [Date.now(), performance.now()];

export class Heartbeat {
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
}

// How long to wait before the next attempt to reconnect.

/** From here on doubling would change nothing: the waits are at their longest. */
const EXPONENT_MAX = 30;

/** Waits that double from `min` to `max`, spread so that clients do not return all at once. */
export class Backoff {
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
}

// The move of a session to a better transport
// (Engine.IO protocol, revision 4: "Upgrade").
//
//   new transport          old transport
//   open
//   -> ping "probe"
//   <- pong "probe"
//   began                  pause: the poll and the POST under way end
//   paused
//   -> upgrade             not used any more
//
// Until the pause is complete, packets still come by the old transport, in order.

export class Upgrade {
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
}

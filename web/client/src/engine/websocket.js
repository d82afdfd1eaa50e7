// Engine.IO over a WebSocket: one message per packet, bytes as they are.

import { isBinary } from "../bytes.js";
import { decodeText, encodeText } from "./packet.js";
import { Transport } from "./transport.js";

/**
 * From how many unsent bytes on a volatile event is dropped. Small enough that fresh positions do
 * not queue behind stale ones, large enough for what one task of the page writes.
 */
const CONGESTED_FROM = 16 * 1024;

const ignore = () => {};

export class WebSocketTransport extends Transport {
  #socket = null;

  static available(options) {
    return typeof (options.WebSocket ?? globalThis.WebSocket) === "function";
  }

  get name() {
    return "websocket";
  }

  get congested() {
    return (this.#socket?.bufferedAmount ?? 0) > CONGESTED_FROM;
  }

  doOpen() {
    if (!WebSocketTransport.available(this.options)) {
      // Later, as all errors of a transport: nobody listens while it is being made.
      queueMicrotask(() => this.fail("websocket error", "WebSocket is not available here"));
      return;
    }
    try {
      this.#socket = this.#create();
    } catch (error) {
      queueMicrotask(() => this.fail("websocket error", error));
      return;
    }
    this.#listen(this.#socket);
  }

  #create() {
    const { WebSocket: given, protocols, extraHeaders, timestampRequests } = this.options;
    const uri = this.uri("ws", timestampRequests === true);
    const subprotocols = protocols ?? [];
    // Browsers have no way to set headers; implementations for Node take them as third argument.
    if (given && extraHeaders) return new given(uri, subprotocols, { headers: extraHeaders });
    return new (given ?? globalThis.WebSocket)(uri, subprotocols);
  }

  #listen(socket) {
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.opened();
    socket.onerror = (event) => this.fail("websocket error", event);
    socket.onclose = (event) =>
      this.ended({ description: "websocket connection closed", context: event });
    socket.onmessage = ({ data }) => this.#receive(data);
  }

  #receive(data) {
    if (this.readyState === "closed") return;
    let packet;
    try {
      packet = typeof data === "string" ? decodeText(data) : { type: "message", data };
    } catch (error) {
      this.fail("websocket error", error);
      return;
    }
    if (packet.type === "close") {
      this.ended({ description: "transport closed by the server" });
      return;
    }
    this.emit("packet", packet);
  }

  write(packets) {
    for (const packet of packets) {
      const raw = isBinary(packet.data) && !this.options.forceBase64;
      this.#socket.send(raw ? packet.data : encodeText(packet));
    }
    // The socket buffers by itself; not at once, so that the engine has left its own `send`.
    queueMicrotask(() => this.drained());
  }

  doClose() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onclose = socket.onmessage = null;
    // Some implementations report an error when closed while connecting.
    socket.onerror = ignore;
    socket.close();
  }
}

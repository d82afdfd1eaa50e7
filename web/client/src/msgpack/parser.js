// Socket.IO packets as MessagePack: one binary message for each, bytes where they belong. The wire
// is that of npm's `socket.io-msgpack-parser` 3. In `socket.io.msgpack.min.js` this is the default;
// elsewhere it is a value of the option `parser`.

import { Emitter } from "../emitter.js";
import { PacketType, isPayload, protocol } from "../parser.js";
import { decode } from "./decode.js";
import { encode } from "./encode.js";

export { PacketType, protocol };

export class Encoder {
  /**
   * @param {import("../parser.js").Packet} packet
   * @returns {(ArrayBuffer | Blob)[]} one message
   * @throws {TypeError | RangeError} on what MessagePack cannot hold, see `encode`
   */
  encode(packet) {
    return [encode(packet)];
  }
}

/** Messages in, packets out as `decoded` events. Throws on what is no packet. */
export class Decoder extends Emitter {
  /**
   * @param {ArrayBuffer | ArrayBufferView} message
   * @throws {Error} on a malformed packet; the connection cannot go on then
   */
  add(message) {
    if (typeof message === "string") reject("text came where MessagePack was due");
    const packet = decode(message);
    const { type, nsp } = packet ?? reject("not a map");
    if (!Number.isInteger(type) || type < PacketType.CONNECT || type > PacketType.CONNECT_ERROR) {
      reject("unknown packet type");
    }
    if (typeof nsp !== "string") reject("invalid namespace");
    if (!isPayload(packet)) reject("invalid payload");
    this.emitLocal("decoded", packet);
  }

  /** Nothing to forget: no packet waits for another message. */
  destroy() {}
}

function reject(reason) {
  throw new Error(`invalid Socket.IO packet: ${reason}`);
}

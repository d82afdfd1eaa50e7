// Types of the MessagePack parser: `import * as parser from "rialto-client/msgpack"`, then
// `io(url, { parser })`. The bundle `socket.io.msgpack.min.js` has it as default.

import type { Emitter, Packet, PacketDecoder, PacketEncoder } from "./index.js";

/** Writes a packet as one binary message; a `Blob` if the packet holds one. */
export class Encoder implements PacketEncoder {
  /** Throws a `TypeError` or `RangeError` on what MessagePack cannot hold: a function, a cycle. */
  encode(packet: Packet): [ArrayBuffer | Blob];
}

/** Reads messages; each packet is a `decoded` event. */
export class Decoder
  extends Emitter<{ decoded: (packet: Packet) => void }>
  implements PacketDecoder
{
  /** Throws on what is no packet. */
  add(message: string | ArrayBuffer | ArrayBufferView): void;
  destroy(): void;
}

/** Revision of the Socket.IO protocol. */
export const protocol: 5;

/** Types of packets. Those with attachments do not exist here. */
export const PacketType: Readonly<{
  CONNECT: 0;
  DISCONNECT: 1;
  EVENT: 2;
  ACK: 3;
  CONNECT_ERROR: 4;
  BINARY_EVENT: 5;
  BINARY_ACK: 6;
}>;

// Compiled, never run: programs as an application writes them, and errors that must be found.

import defaultIo, { connect, io, Manager, protocol, Socket } from "../../index.js";
import type { ManagerOptions, Packet, Parser } from "../../index.js";
import * as msgpack from "../../msgpack.js";

interface FromServer {
  notice: (text: string, urgent: boolean) => void;
}

interface FromClient {
  add: (a: number, b: number, answer: (sum: number) => void) => void;
  log: (text: string) => void;
}

const socket: Socket<FromServer, FromClient> = io("http://localhost:3000", {
  auth: { token: "t" },
  transports: ["websocket", "polling"],
  reconnectionDelay: 500,
});

socket.on("connect", () => console.log(socket.id?.length, socket.recovered));
socket.on("connect_error", (error) => console.log(error.message, error.data));
socket.on("disconnect", (reason, details) => {
  if (reason === "io server disconnect") socket.connect();
  console.log(details);
});
socket.on("notice", (text, urgent) => console.log(text.toUpperCase(), urgent === true));
socket.emit("add", 1, 2, (sum) => sum.toFixed());
socket.timeout(100).emit("add", 1, 2, (error, sum) => console.log(error.message, sum.toFixed()));
const sum: Promise<number> = socket.emitWithAck("add", 1, 2);
socket.volatile.emit("log", "x");
socket.compress(false).emit("log", "x");
socket.onAny((event, ...args) => console.log(event, args)).offAny();
socket.io.on("reconnect_attempt", (attempt) => attempt.toFixed());
socket.io.engine.on("upgrade", (transport) => console.log(transport.name));
console.log(socket.io.engine.transport.name, sum);

// @ts-expect-error: not an event of the server
socket.on("unknown", () => {});
// @ts-expect-error: a number is wanted
socket.emit("add", "1", 2, () => {});
// @ts-expect-error: not a reason
socket.on("disconnect", (reason) => reason === "whatever");
// @ts-expect-error: not a number
io({ reconnectionDelay: "1" });

const options: ManagerOptions = { path: "/live", query: { a: 1 } };
const manager = new Manager("http://localhost", options).reconnection(false).timeout(5);
const plain: Socket = manager.socket("/chat", { retries: 3, ackTimeout: 100 });
plain.emit("anything", 1, new Uint8Array(2), (answer: string) => answer.length);
plain.on("anything", (value) => console.log(value));
connect().disconnect();
defaultIo.connect("/chat").close();
const revision: 5 = protocol;
console.log(revision, io.protocol, new io.Manager());

io({ parser: msgpack });
const { EVENT } = msgpack.PacketType;
const [message] = new msgpack.Encoder().encode({ type: EVENT, nsp: "/", data: [] });
new msgpack.Decoder().on("decoded", ({ nsp, id }) => console.log(nsp, id?.toFixed())).add("");
console.log(message instanceof Blob ? message.size : message.byteLength);

class Lines {
  encode({ type, nsp, data }: Packet): string[] {
    return [`${type} ${nsp}`, JSON.stringify(data)];
  }
}
const own: Parser = { Encoder: Lines, Decoder: msgpack.Decoder };
io("/", { parser: own });
// @ts-expect-error: a decoder is missing
io("/", { parser: { Encoder: Lines } });

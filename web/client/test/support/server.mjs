// The server under the behaviour tests: npm's socket.io with the part of the contract program that
// the tests use. RIALTO_URL names another server with the same program instead.

import { createServer } from "node:http";

import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

/** Address of another server, or undefined. */
export const external = process.env.RIALTO_URL;

/** For tests that need a server of their own: its options, its restart, its view of the client. */
export const needsOwnServer = { skip: external ? "needs a server of its own" : false };

const settings = { pingInterval: 1000, pingTimeout: 1000, maxHttpBufferSize: 100_000 };
if (process.env.SUBJECT === "msgpack") settings.parser = msgpack;

/**
 * Starts a server on 127.0.0.1 and installs its handlers.
 *
 * @param {object} [options] of npm's socket.io
 * @param {(io: Server) => void} [install]
 * @param {number} [port] 0 lets the system choose
 */
export async function startServer(options = {}, install = installContract, port = 0) {
  const http = createServer();
  const io = new Server(http, { ...settings, serveClient: false, ...options });
  install(io);
  await new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, "127.0.0.1", resolve);
  });
  const { port: bound } = http.address();
  const close = async () => {
    http.closeAllConnections();
    await new Promise((resolve) => io.close(resolve));
  };
  return { io, http, port: bound, url: `http://127.0.0.1:${bound}`, close };
}

/** The server of a test file: external, or started here and stopped after its tests. */
export async function contractServer(after) {
  if (external) return external;
  const server = await startServer();
  after(() => server.close());
  return server.url;
}

function installContract(io) {
  io.use(({ handshake }, next) => {
    next(handshake.query.fail === "1" ? new Error("main refused") : undefined);
  });
  io.of("/admin").use(({ handshake }, next) => {
    if (handshake.auth.token === "secret") return next();
    const refusal = new Error("unauthorized");
    refusal.data = { code: 401, content: "no token" };
    return next(refusal);
  });
  io.of("/slow").use((_socket, next) => setTimeout(next, 300));
  for (const name of ["/", "/chat", "/admin", "/slow"]) {
    io.of(name).on("connection", (socket) => installHandlers(io.of(name), socket));
  }
}

function installHandlers(namespace, socket) {
  socket.emit("welcome", { id: socket.id, nsp: namespace.name, recovered: socket.recovered });
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("echo-ack", (...args) => args.pop()(...args));
  socket.on("ask", (...args) => {
    socket.emit("question", ...args, (...answer) => socket.emit("answer", ...answer));
  });
  socket.on("no-ack", () => {});
  socket.on("late-ack", (ms, ack) => setTimeout(() => ack("late"), ms));
  socket.on("handshake", (ack) => {
    const { auth, query, headers } = socket.handshake;
    ack({ auth, query, header: headers["x-test"] ?? null });
  });
  socket.on("info", (ack) => {
    ack({ id: socket.id, nsp: namespace.name, transport: socket.conn.transport.name });
  });
  socket.on("sequence", (count) => {
    for (let i = 0; i < count; i++) socket.emit("seq", i);
  });
  socket.on("make-binary", (n, ack) =>
    ack(Buffer.from(Array.from({ length: n }, (_, i) => i % 251))),
  );
  socket.on("make-text", (n, ack) => ack("x".repeat(n)));
  socket.on("sum", (data, ack) =>
    ack(
      data.length,
      data.reduce((sum, byte) => sum + byte, 0),
    ),
  );
  socket.on("kick", (close) => socket.disconnect(close));
  socket.on("drop", () => socket.conn.close());
}

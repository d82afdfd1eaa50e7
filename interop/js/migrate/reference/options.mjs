// "Options": a server for each row.

import msgpackParser from "socket.io-msgpack-parser";
import { Decoder, Encoder } from "socket.io-parser";
import { socketio } from "./server.mjs";

/** Starts them. */
export async function startOptions() {
  for (const [name, options] of Object.entries(rows)) {
    const io = await socketio(name, options);
    io.use((socket, next) => {
      next(socket.handshake.auth.refuse ? new Error("refused") : undefined);
    });
    serve(io);
    io.of(/^\/child-/);
  }
  await startHooks();
}

function serve(io) {
  const children = () => [...io._nsps.keys()].filter((name) => name.startsWith("/child-"));
  io.on("connection", (socket) => {
    socket.emit("welcome", socket.recovered);
    socket.on("echo", (text, answer) => answer(text));
    socket.on("parts", (parts, answer) => answer(parts.length));
    socket.on("plain", (text) => socket.compress(false).emit("plain", text));
    socket.on("count", (answer) => answer(io.of("/").sockets.size));
    socket.on("children", (answer) => answer(children().length));
  });
}

const known = async (origin) => origin === "https://asked.example";
const admit = async (request) => /[?&]ticket=/.test(request.url);

class Tolerant extends Decoder {
  constructor() {
    super({ maxAttachments: 20 });
  }
}

const rows = {
  path: { path: "/live" },
  pingInterval: { pingInterval: 10000 },
  pingTimeout: { pingTimeout: 5000 },
  connectTimeout: { connectTimeout: 500 },
  upgradeTimeout: { upgradeTimeout: 500 },
  maxHttpBufferSize: { maxHttpBufferSize: 2000 },
  transports: { transports: ["websocket"] },
  allowUpgrades: { allowUpgrades: false },
  allowEIO3: { allowEIO3: true },
  jsonp: { allowEIO3: true },
  cookie: { cookie: true },
  "cookie with attributes": {
    cookie: { name: "node", maxAge: 3600, sameSite: "none", secure: true },
  },
  recovery: { connectionStateRecovery: {} },
  "recovery without middlewares": {
    connectionStateRecovery: { maxDisconnectionDuration: 60e3, skipMiddlewares: true },
  },
  cors: { cors: { origin: ["https://app.example"], credentials: true } },
  "cors by pattern": { cors: { origin: /\.example$/ } },
  "cors for all": {
    cors: { origin: "*", methods: ["GET", "POST"], allowedHeaders: ["x-a"] },
  },
  "cors by an async function": {
    cors: { origin: async (origin, done) => done(null, await known(origin)) },
  },
  httpCompression: { httpCompression: { threshold: 4096 } },
  "no httpCompression": { httpCompression: false },
  perMessageDeflate: { perMessageDeflate: { threshold: 2048 } },
  serveClient: { serveClient: false },
  allowRequest: {
    allowRequest: (request, done) => done("no cookie", Boolean(request.headers.cookie)),
  },
  "async allowRequest": {
    allowRequest: async (request, done) => done("no ticket", await admit(request)),
  },
  parser: { parser: msgpackParser },
  maxAttachments: { parser: { Encoder, Decoder: Tolerant } },
  cleanupEmptyChildNamespaces: { cleanupEmptyChildNamespaces: true },
};

/** What is not an option in Node. */
async function startHooks() {
  const add = (headers, request) => {
    headers["x-method"] = request.method;
  };
  const gate = (request, response, next) => {
    response.setHeader("x-gate", "passed");
    next();
  };
  let io = await socketio("initial_headers");
  io.engine.on("initial_headers", add);
  io = await socketio("headers");
  io.engine.on("headers", add);
  io = await socketio("engine.use");
  io.engine.use(gate);
  serve(io);
  const makeId = (request) => {
    const { searchParams } = new URL(request.url, "http://localhost");
    return `made-for-${(searchParams.get("name") ?? "").padStart(20, "0")}`;
  };
  io = await socketio("generateId");
  io.engine.generateId = (request) => makeId(request);
  const laterId = async (request) => makeId(request);
  io = await socketio("async generateId");
  io.engine.generateId = async (request) => await laterId(request);
  io = await socketio("connection_error");
  io.engine.on("connection_error", (error) => console.log("refused with", error.code));
}

// The contract server on Node's own socket.io, engine.io and ws: the yardstick of this folder.
// A test that passes here and fails on Rialto shows a difference of Rialto, not of the test.
//
// usage: node reference.mjs --port N [flags]; prints `listening on http://127.0.0.1:PORT`.

import http from "node:http";
import { parseArgs } from "node:util";
import { attach as attachEngine } from "engine.io";
import { Server } from "socket.io";
import msgpackParser from "socket.io-msgpack-parser";
import { WebSocketServer } from "ws";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    app: { type: "string", default: "contract" },
    "ping-interval": { type: "string", default: "1000" },
    "ping-timeout": { type: "string", default: "1000" },
    "max-payload": { type: "string", default: "100000" },
    "connect-timeout": { type: "string", default: "1500" },
    "upgrade-timeout": { type: "string", default: "10000" },
    eio3: { type: "string", default: "on" },
    recovery: { type: "string", default: "3000" },
    cors: { type: "string", default: "http://good.test" },
    deflate: { type: "string", default: "on" },
    cookie: { type: "string", default: "on" },
    parser: { type: "string", default: "json" },
    "ws-max-payload": { type: "string", default: "20000000" },
  },
});
if (flags.app !== "contract") {
  console.error(`unknown --app ${flags.app}: this server knows contract`);
  process.exit(2);
}

const engineOptions = {
  pingInterval: Number(flags["ping-interval"]),
  pingTimeout: Number(flags["ping-timeout"]),
  maxHttpBufferSize: Number(flags["max-payload"]),
  upgradeTimeout: Number(flags["upgrade-timeout"]),
  allowEIO3: flags.eio3 === "on",
  cors: flags.cors === "off" ? false : { origin: [flags.cors], credentials: true },
  perMessageDeflate: flags.deflate === "on" ? { threshold: 1024 } : false,
  httpCompression: { threshold: 1024 },
  cookie:
    flags.cookie === "on" ? { name: "io", path: "/", httpOnly: true, sameSite: "lax" } : false,
  // Unknown upgrades are refused below, at once, instead of being left to run into a timeout.
  destroyUpgrade: false,
};

const server = http.createServer(route);
const io = new Server(server, {
  ...engineOptions,
  connectTimeout: Number(flags["connect-timeout"]),
  allowRequest: admit,
  ...(flags.parser === "msgpack" ? { parser: msgpackParser } : {}),
  ...(flags.recovery === "off"
    ? {}
    : { connectionStateRecovery: { maxDisconnectionDuration: Number(flags.recovery) } }),
});
const engine = attachEngine(server, { ...engineOptions, path: "/engine.io" });
const echo = new WebSocketServer({
  noServer: true,
  maxPayload: Number(flags["ws-max-payload"]),
  perMessageDeflate: flags.deflate === "on" ? { threshold: 0 } : false,
  handleProtocols: (offered) => ["chat.v2", "chat.v1"].find((name) => offered.has(name)) ?? false,
});

/** The routes beside Socket.IO. */
function route(request, response) {
  const [pathname] = request.url.split("?");
  if (request.method === "GET" && pathname === "/health") {
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.end("ok");
  } else if (request.method === "GET" && pathname === "/ws.html") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(
      '<!doctype html><html lang="en"><title>Contract server</title><p>Ready.</p></html>',
    );
  } else if (request.method === "POST" && pathname === "/announce") {
    announce(request, response);
  } else {
    response.statusCode = 404;
    response.end("not found");
  }
}

/** `POST /announce`: an event from outside any connection, to everyone in `/`. */
async function announce(request, response) {
  try {
    let body = "";
    for await (const chunk of request) {
      body += chunk;
    }
    const { event, data } = JSON.parse(body);
    io.emit(event, data);
    response.statusCode = 204;
  } catch {
    response.statusCode = 400;
  }
  response.end();
}

/** The admission hook: `deny=1` is turned away before there is a session. */
function admit(request, done) {
  const [, query] = request.url.split("?");
  const denied = new URLSearchParams(query).get("deny") === "1";
  done(denied ? "denied by app" : null, !denied);
}

server.on("upgrade", (request, socket, head) => {
  const [pathname] = request.url.split("?");
  if (pathname.startsWith("/socket.io/") || pathname.startsWith("/engine.io/")) {
    return;
  }
  if (pathname !== "/echo" && !pathname.startsWith("/echo/")) {
    refuseUpgrade(socket, "404 Not Found");
  } else if (pathname.endsWith("refuse")) {
    refuseUpgrade(socket, "401 Unauthorized");
  } else {
    echo.handleUpgrade(request, socket, head, (peer) => serveEcho(peer, request));
  }
});

function refuseUpgrade(socket, status) {
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** The raw WebSocket endpoint. */
function serveEcho(peer, request) {
  peer.on("error", () => {});
  peer.on("message", (data, isBinary) => {
    const text = isBinary ? "" : data.toString();
    const [, code, reason] = /^close:(\d+):(.*)$/s.exec(text) ?? [];
    if (code) {
      peer.close(Number(code), reason);
    } else if (text === "drop") {
      peer.terminate();
    } else if (text === "headers") {
      peer.send(request.headers["sec-websocket-extensions"] ?? "");
    } else {
      peer.send(data, { binary: isBinary });
    }
  });
}

engine.on("connection", (peer) => {
  peer.on("message", (data) => peer.send(data));
});

/** The sockets that gave themselves a name, and how each of them ended. */
const reasons = new Map();

const FORBIDDEN = "event forbidden";

/** The handlers that every namespace runs. */
function serve(socket) {
  serveEchoes(socket);
  serveAcks(socket);
  serveRooms(socket);
  serveData(socket);
  serveExtras(socket);
  socket.on("kick", (close) => socket.disconnect(close === true));
  socket.on("drop", () => socket.conn.close());
  socket.use(([name], next) => next(name === "forbidden" ? new Error(FORBIDDEN) : undefined));
  // Malformed packets come here as well.
  socket.on("error", ({ message }) => message === FORBIDDEN && socket.emit("mw-error", message));
  socket.emit("welcome", { id: socket.id, nsp: socket.nsp.name, recovered: socket.recovered });
}

function serveEchoes(socket) {
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("sequence", (count) => {
    for (let i = 0; i < count; i += 1) {
      socket.emit("seq", i);
    }
  });
  socket.on("volatile-burst", (count) => {
    for (let i = 0; i < count; i += 1) {
      socket.volatile.emit("burst", i);
    }
    socket.emit("burst-end", count);
  });
  socket.on("make-binary", (size, cb) => {
    cb(Buffer.from(Uint8Array.from({ length: size }, (_, i) => i % 251)));
  });
  socket.on("make-text", (size, cb) => cb("x".repeat(size)));
  socket.on("sum", (bytes, cb) =>
    cb(
      bytes.length,
      bytes.reduce((sum, byte) => sum + byte, 0),
    ),
  );
}

function serveAcks(socket) {
  socket.on("echo-ack", (...args) => args.pop()(...args));
  socket.on("ask", (...args) => {
    socket.emit("question", ...args, (...answer) => socket.emit("answer", ...answer));
  });
  socket.on("ask-timeout", (ms) => {
    socket
      .timeout(ms)
      .emit("question", "t", (late) => socket.emit("answer-timeout", Boolean(late)));
  });
  socket.on("no-ack", () => {});
  socket.on("late-ack", (ms, cb) => setTimeout(() => cb("late"), ms));
}

function serveRooms(socket) {
  const namespace = socket.nsp;
  socket.on("join", (room, cb) => {
    socket.join(room);
    cb(true);
  });
  socket.on("leave", (room, cb) => {
    socket.leave(room);
    cb(true);
  });
  socket.on("to", (rooms, event, ...args) => socket.to(rooms).emit(event, ...args));
  socket.on("in", (rooms, event, ...args) => namespace.in(rooms).emit(event, ...args));
  socket.on("except", (rooms, not, event, ...args) => {
    namespace
      .in(rooms)
      .except(not)
      .emit(event, ...args);
  });
  socket.on("broadcast", (event, ...args) => socket.broadcast.emit(event, ...args));
  socket.on("all", (event, ...args) => namespace.emit(event, ...args));
  socket.on("ask-room", (room, ms, event, ...args) => {
    const cb = args.pop();
    namespace
      .in(room)
      .timeout(ms)
      .emit(event, ...args, (late, answers) => cb(Boolean(late), answers));
  });
  socket.on("room-size", async (room, cb) => cb((await namespace.in(room).fetchSockets()).length));
  socket.on("room-join", (room, other, cb) => {
    namespace.in(room).socketsJoin(other);
    cb(true);
  });
  socket.on("room-kick", (room) => namespace.in(room).disconnectSockets(false));
}

function serveData(socket) {
  socket.on("info", (cb) => {
    cb({
      id: socket.id,
      nsp: socket.nsp.name,
      transport: socket.conn.transport.name,
      protocol: socket.conn.protocol,
      recovered: socket.recovered,
      rooms: [...socket.rooms].filter((room) => room !== socket.id).sort(),
    });
  });
  socket.on("handshake", (cb) => {
    const { auth, query, url, secure, headers } = socket.handshake;
    const [header, cookie] = [headers["x-test"] ?? null, headers.cookie ?? null];
    cb({ auth, query, url, secure, header, cookie });
  });
  socket.on("label", (name, cb) => {
    socket.on("disconnect", (reason) => reasons.set(name, reason));
    cb(true);
  });
  socket.on("reason-of", (name, cb) => cb(reasons.get(name) ?? null));
  socket.on("set-data", (value, cb) => {
    socket.data.value = value;
    cb(true);
  });
  socket.on("get-data", (cb) => cb(socket.data.value ?? null));
}

/** What has happened to the rooms of the main namespace. */
const roomLog = [];
for (const what of ["create", "join", "leave", "delete"]) {
  io.of("/").adapter.on(`${what}-room`, (room) => roomLog.push([room, what]));
}

function serveExtras(socket) {
  const find = async (id) => (await socket.nsp.in(id).fetchSockets())[0];
  socket.on("remote", async (id, cb) => {
    const { rooms, data, handshake } = await find(id);
    const joined = [...rooms].filter((room) => room !== id).sort();
    cb({ rooms: joined, data: data.value ?? null, EIO: handshake.query.EIO });
  });
  socket.on("remote-move", async (id, from, to, cb) => {
    const found = await find(id);
    found.leave(from);
    found.join(to);
    found.emit("moved");
    cb(true);
  });
  socket.on("remote-ask", async (id, ms, cb) => {
    const found = await find(id);
    const asked = found.timeout(ms).emitWithAck("question");
    cb(await asked.catch(() => null));
  });
  socket.on("remote-kick", async (id) => (await find(id)).disconnect(false));
  socket.on("room-log", (room, cb) => {
    cb(roomLog.filter(([name]) => name === room).map(([, what]) => what));
  });
  socket.on("leave-all", (cb) => {
    [...socket.rooms].filter((room) => room !== socket.id).forEach((room) => socket.leave(room));
    cb(true);
  });
  socket.on("digits", (cb) => cb(/^\/dynamic-(\d+)$/.exec(socket.nsp.name)?.[1] ?? null));
  const sent = [];
  socket.on("watch", (cb) => {
    socket.onAnyOutgoing((name, ...args) => sent.push([name, args.length]));
    cb(true);
  });
  socket.on("watched", (cb) => {
    socket.offAnyOutgoing();
    cb(sent);
  });
  socket.on("plain", (...args) => socket.compress(false).emit("plain", ...args));
  socket.on("local", (...args) => socket.nsp.local.emit("local", ...args));
  socket.on("plain-all", (...args) => socket.nsp.compress(false).emit("plain-all", ...args));
}

io.of("/").use((socket, next) => {
  next(socket.handshake.query.fail === "1" ? new Error("main refused") : undefined);
});
io.of("/slow").use((_socket, next) => setTimeout(next, 300));
io.of("/admin").use((socket, next) => {
  const { auth, query } = socket.handshake;
  const token = socket.conn.protocol === 3 ? query.token : auth.token;
  const refusal = Object.assign(new Error("unauthorized"), {
    data: { code: 401, content: "no token" },
  });
  next(token === "secret" ? undefined : refusal);
});
for (const name of ["/", "/chat", "/slow", "/admin", /^\/dynamic-\d+$/]) {
  io.of(name).on("connection", serve);
}

process.once("SIGTERM", () => {
  engine.close();
  echo.clients.forEach((peer) => peer.close(1001));
  io.close();
  // What the peers have not closed by then is cut.
  setTimeout(() => process.exit(0), 300);
});

server.listen(Number(flags.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

// "Raw WebSockets".

import http from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { listen, listenAt } from "./ports.mjs";

/** Starts a server for each row that makes one, and one for what can be done with a connection. */
export async function startRaw() {
  await listenAt("ws", (port) => {
    const wss = new WebSocketServer({ host: "127.0.0.1", port });
    wss.on("connection", echo);
    return wss;
  });
  let server = http.createServer();
  new WebSocketServer({ server, path: "/echo" }).on("connection", echo);
  await listen(server, "ws-path");
  server = http.createServer();
  new WebSocketServer({ maxPayload: 1000, server, path: "/large" }).on("connection", echo);
  await listen(server, "ws-large");
  server = http.createServer();
  new WebSocketServer({ perMessageDeflate: true, server }).on("connection", echo);
  await listen(server, "ws-deflate");
  server = http.createServer();
  new WebSocketServer({ perMessageDeflate: true, server }).on("connection", one);
  await listen(server, "ws-one");
  server = http.createServer();
  const wss = new WebSocketServer({ server });
  wss.on("connection", (socket) => all(wss, socket));
  await listen(server, "ws-all");
}

/** Text forwards, binary backwards. */
function echo(socket) {
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => {
    socket.send(isBinary ? Buffer.from(data).reverse() : data.toString());
  });
}

/** What is said to a connection is what it does. */
function one(socket, request) {
  socket.on("message", (data) => {
    const command = data.toString();
    answers[command.split(" ")[0]](socket, request, command);
  });
  socket.on("close", (code, reason) => console.log(`${code} ${reason}`));
}

const buffer = Buffer.from([1, 2, 3]);
const image = Buffer.alloc(5000, 7);

const answers = {
  text: (socket) => socket.send("text"),
  buffer: (socket) => socket.send(buffer),
  image: (socket) => socket.send(image, { compress: false }),
  ping: (socket) => socket.ping(),
  close: (socket) => socket.close(1000, "bye"),
  terminate: (socket) => socket.terminate(),
  buffered: (socket) => socket.send(String(socket.bufferedAmount)),
  url: (socket, request) => socket.send(request.url),
  cookie: (socket, request) => socket.send(request.headers.cookie ?? ""),
  protocol: (socket) => socket.send(socket.protocol),
  connect: dial,
};

/** `connect URL` and `connect with a cookie URL`: tells what the other end is told. */
function dial(asker, _request, command) {
  const url = command.split(" ").at(-1);
  const socket = command.includes("cookie")
    ? new WebSocket(url, { headers: { cookie: "id=1" } })
    : new WebSocket(url);
  socket.on("open", () => socket.send("cookie"));
  socket.on("message", (data) => {
    asker.send(data.toString());
    socket.close(1000);
  });
}

function all(wss, socket) {
  wss.clients.add(socket);
  socket.on("message", (message) => {
    const data = message.toString();
    if (data === "size") {
      socket.send(String(wss.clients.size));
    } else if (data.startsWith("others")) {
      wss.clients.forEach((client) => { if (client !== socket) client.send(data) });
    } else {
      wss.clients.forEach((client) => client.send(data));
    }
  });
}

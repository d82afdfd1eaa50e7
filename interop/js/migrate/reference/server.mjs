// "The server", and the namespaces in which the tables of "Listeners", "One client" and "Everyone"
// are served.

import http from "node:http";
import { Server } from "socket.io";
import { Adapter } from "socket.io-adapter";
import { everyone } from "./everyone.mjs";
import { table, tables } from "./listeners.mjs";
import { oneClient } from "./one-client.mjs";
import { listen, listenAt } from "./ports.mjs";

class State {
  visits = 0;
}

/** A server on a port of its own. */
export async function socketio(name, options) {
  const httpServer = http.createServer((_request, response) => response.writeHead(404).end());
  const io = new Server(httpServer, options);
  await listen(httpServer, name);
  return io;
}

/** Starts all of this file. */
export async function startServers() {
  namespaces(await socketio("server"));
  serveTables(await socketio("tables"));
  await listenAt("listen", (port) => {
    const httpServer = http.createServer();
    const options = { maxHttpBufferSize: 1234 };
    const io = new Server(httpServer, options);
    io.on("connection", greet("at a port of its own"));
    return httpServer.listen(port);
  });
}

const greet = (text) => (socket) => socket.emit("welcome", text);

function namespaces(io) {
  io.adapter(Adapter);
  io.on("new_namespace", (namespace) => console.log(namespace.name));
  const state = new State();
  io.on("connection", (socket) => {
    socket.emit("welcome", "main");
    socket.on("tell", (text) => socket.broadcast.emit("told", text));
    socket.on("visit", (answer) => answer((state.visits += 1)));
  });
  const [admin, room] = [greet("admin"), greet("room")];
  io.of("/admin").on("connection", admin);
  io.of(/^\/room-/).on("connection", room);
  const user = (socket) => {
    socket.emit("welcome", Number(/^\/user-(\d+)$/.exec(socket.nsp.name)[1]));
  };
  io.of(/^\/user-(\d+)$/).on("connection", user);
  const upper = (socket) => socket.emit("welcome", socket.nsp.name.slice(4).toUpperCase());
  io.of((name, auth, next) => next(null, name.startsWith("/up-"))).on("connection", upper);
}

/** Each test opens a namespace of its own: `/one-7` has the table `one`. */
function serveTables(io) {
  const parent = (table) => {
    return io.of((name, _auth, next) => next(null, name.replace(/-\d+$/, "") === `/${table}`));
  };
  table(parent("table"));
  parent("one").on("connection", (socket) => oneClient(socket.nsp, socket));
  parent("each").on("connection", (socket) => everyone(socket.nsp, socket));
  for (const [name, serve] of Object.entries(tables)) {
    parent(name).on("connection", serve);
  }
}

// "Everyone", as far as it concerns a whole server; each is one test's alone.

import http from "node:http";
import { Server } from "socket.io";
import { listen } from "./ports.mjs";
import { socketio } from "./server.mjs";

/** Starts them. */
export async function startWhole() {
  await whole();
  closing(await socketio("closing"));
  const io = await socketio("stopping");
  process.on("SIGINT", () => io.close());
}

async function whole() {
  const httpServer = http.createServer();
  const io = new Server(httpServer);
  io.of("/admin");
  io.of("/").adapter.on("create-room", (room) => console.log("Created", room));
  io.of("/").adapter.on("join-room", (room) => console.log("Joined", room));
  io.of("/").adapter.on("leave-room", (room) => console.log("Left", room));
  io.of("/").adapter.on("delete-room", (room) => console.log("Deleted", room));
  io.on("connection", (socket) => look(io, socket));
  httpServer.on("request", async (request, response) => {
    if (request.url === "/announce") {
      io.emit("news", Buffer.concat(await request.toArray()).toString());
      response.writeHead(204).end();
    }
  });
  await listen(httpServer, "whole");
}

function look(io, socket) {
  socket.on("to admins", () => {
    const admin = io.of("/admin");
    admin.emit("news", "for admins");
  });
  socket.on("look", (answer) => {
    answer({
      sockets: [...io.of("/").sockets.values()].map(({ id }) => id),
      namespaces: [...io._nsps.values()].map(({ name }) => name),
      clients: io.engine.clientsCount,
      count: io.of("/").sockets.size,
    });
  });
  socket.on("send to", (id, answer) => {
    io.of("/").sockets.get(id).emit("news", "for you");
    answer();
  });
  socket.on("rooms", (answer) => {
    socket.join("room");
    const sizes = {};
    for (const [room, ids] of io.of("/").adapter.rooms) {
      sizes[room] = ids.size;
    }
    const ids = io.of("/").adapter.rooms.get("room");
    const { id } = socket;
    const own = io.of("/").adapter.sids.get(id);
    answer({ sizes, ids: [...ids], own: [...own] });
  });
  socket.on("join", (answer) => {
    socket.join("watched");
    answer();
  });
  socket.on("leave", (answer) => {
    socket.leave("watched");
    answer();
  });
}

function closing(io) {
  io.on("connection", (socket) => {
    socket.on("end", () => {
      io.close();
    });
  });
}

// Events between servers: two of them that know each other by an adapter of this file.

import { ClusterAdapter } from "socket.io-adapter";
import { socketio } from "./server.mjs";

const nodes = new Set();

/** Reaches the other servers of this process. */
class Neighbours extends ClusterAdapter {
  constructor(namespace) {
    super(namespace);
    nodes.add(this);
  }

  async serverCount() {
    return [...nodes].filter((node) => node.nsp.name === this.nsp.name).length;
  }

  async doPublish(message) {
    nodes.forEach((node) => node.onMessage(message));
  }

  async doPublishResponse(uid, response) {
    [...nodes].find((node) => node.uid === uid).onResponse(response);
  }
}

/** Starts both. */
export async function startCluster() {
  const first = await socketio("first", { adapter: Neighbours });
  first.on("connection", (socket) => asking(first, socket));
  const io = await socketio("second", { adapter: Neighbours });
  io.on("reload", (file) => io.emit("reloaded", file));
  io.on("load", (answer) => answer(0.5));
}

function asking(io, socket) {
  socket.on("reload", (file) => {
    io.serverSideEmit("reload", file);
  });
  socket.on("load", async (answer) => {
    answer(await io.serverSideEmitWithAck("load"));
  });
}

// "Everyone", as far as it concerns one namespace; whole.mjs has the rest.

/** The rows; `io` is the socket's namespace, which belongs to one test alone. */
export function everyone(io, socket) {
  socket.on("be in", (rooms, answer) => {
    socket.join(rooms);
    answer();
  });
  socket.on("rooms", (answer) => answer([...socket.rooms]));
  socket.on("share", (name, answer) => {
    socket.data = name;
    answer();
  });
  broadcasts(io, socket);
  remotes(io, socket);
  moving(io, socket);
}

function broadcasts(io, socket) {
  socket.on("all", (text) => {
    io.emit("news", text);
  });
  socket.on("room", (text) => {
    io.to("room").emit("news", text);
  });
  socket.on("all but", (text) => {
    io.except("muted").emit("news", text);
  });
  socket.on("volatile", (text) => {
    io.volatile.emit("news", text);
  });
  socket.on("local", (text) => {
    io.local.emit("news", text);
  });
  socket.on("image", (buffer) => {
    io.compress(false).emit("image", buffer);
  });
  socket.on("ask", async (answer) => {
    answer(await io.timeout(5000).emitWithAck("question"));
  });
}

function remotes(io, socket) {
  socket.on("find", async (answer) => {
    const sockets = await io.fetchSockets();
    answer(sockets.map(({ id }) => id));
  });
  socket.on("find in a room", async (answer) => {
    const found = await io.in("room").fetchSockets();
    answer(found.map(({ id }) => id));
  });
  socket.on("remote", async (id, answer) => {
    const [remote] = await io.in(id).fetchSockets();
    const text = "from afar";
    console.log(remote.rooms, remote.id, remote.handshake.url);
    const name = remote.data;
    remote.emit("hi", text);
    remote.join("room");
    remote.leave("other");
    answer(name);
  });
  socket.on("ask remote", async (id, answer) => {
    const [remote] = await io.in(id).fetchSockets();
    answer(await remote.timeout(5000).emitWithAck("question"));
  });
  socket.on("end remote", async (id) => {
    const [remote] = await io.in(id).fetchSockets();
    remote.disconnect(true);
  });
}

function moving(io, socket) {
  socket.on("room joins", (answer) => {
    io.in("room").socketsJoin("other");
    answer();
  });
  socket.on("room leaves", (answer) => {
    io.in("room").socketsLeave("other");
    answer();
  });
  socket.on("room ends", () => {
    io.in("room").disconnectSockets(true);
  });
  socket.on("all join", (answer) => {
    io.socketsJoin("room");
    answer();
  });
  socket.on("all leave", (answer) => {
    io.socketsLeave("room");
    answer();
  });
  socket.on("all end", () => {
    io.disconnectSockets(true);
  });
}

// "One client".

/** All rows of that table; each event is one row, or a few that belong together. */
export function oneClient(io, socket) {
  sending(socket);
  asking(socket);
  broadcasts(socket);
  rooms(socket);
  data(io, socket);
  about(socket);
  handshake(socket);
  ends(socket);
}

function sending(socket) {
  socket.on("send news", (x, y) => {
    socket.emit("news", x, y);
  });
  socket.on("send list", () => {
    socket.emit("list", [1, 2]);
  });
  socket.on("send file", () => {
    const buffer = Buffer.from([1, 2, 3]);
    socket.emit("file", buffer);
  });
  socket.on("send cursor", (x, y) => {
    socket.volatile.emit("cursor", x, y);
  });
  socket.on("send image", (buffer) => {
    socket.compress(false).emit("image", buffer);
  });
  socket.on("send message", () => {
    socket.send("hi");
  });
  socket.on("watch", () => {
    socket.onAnyOutgoing((name) => console.log(name));
    socket.emit("watched");
  });
}

function asking(socket) {
  socket.on("ask", async () => {
    const answer = await socket.emitWithAck("question");
    socket.emit("answered", answer);
  });
  socket.on("ask in time", () => {
    socket.timeout(500).emit("question", (error, answer) => {
      socket.emit("answered late", Boolean(error));
    });
  });
}

function broadcasts(socket) {
  socket.on("to others", (text) => {
    socket.broadcast.emit("said", text);
  });
  socket.on("to others here", (text) => {
    socket.local.emit("said", text);
  });
  socket.on("to a room", (text) => {
    socket.to("room").emit("said", text);
  });
  socket.on("to rooms", (text) => {
    socket.to("a").to("b").except("muted").emit("said", text);
  });
  socket.on("to all but", (text) => {
    socket.except("muted").emit("said", text);
  });
}

function rooms(socket) {
  socket.on("be in", (rooms, answer) => {
    socket.join(rooms);
    answer();
  });
  socket.on("join", (answer) => {
    socket.join(["a", "b"]);
    answer();
  });
  socket.on("leave", (answer) => {
    socket.join("room");
    socket.leave("room");
    answer();
  });
  socket.on("leave all", (answer) => {
    socket.leaveAll();
    answer();
  });
  socket.on("rooms", (answer) => {
    const rooms = socket.rooms;
    answer([...rooms]);
  });
}

function data(io, socket) {
  socket.on("set name", (answer) => {
    socket.data.name = "Ada";
    answer();
  });
  socket.on("name", (answer) => {
    const name = socket.data.name;
    answer(name ?? null);
  });
  socket.on("share", async (answer) => {
    socket.data = "Ada";
    const [found] = await io.in(socket.id).fetchSockets();
    answer(found.data);
  });
}

function about(socket) {
  socket.on("id", (answer) => answer(socket.id));
  socket.on("transport", (answer) => answer(socket.conn.transport.name));
  socket.on("namespace", (answer) => answer(socket.nsp.name));
  socket.on("connected", (answer) => answer(socket.connected));
  socket.on("recovered", (answer) => answer(socket.recovered));
}

function handshake(socket) {
  socket.on("login", (answer) => {
    const login = socket.handshake.auth;
    answer(login.name);
  });
  socket.on("handshake", (answer) => {
    answer({
      room: socket.handshake.query.room,
      cookie: socket.handshake.headers.cookie ?? null,
      address: socket.handshake.address,
      url: socket.handshake.url,
      headers: socket.handshake.headers,
      secure: socket.handshake.secure,
      xdomain: socket.handshake.xdomain,
      protocol: socket.conn.protocol,
    });
  });
  socket.on("issued", (answer) => answer(socket.handshake.issued));
}

function ends(socket) {
  socket.on("disconnect me", () => {
    socket.disconnect();
  });
  socket.on("disconnect all of me", () => {
    socket.disconnect(true);
  });
  socket.on("close", () => {
    socket.conn.close();
  });
}

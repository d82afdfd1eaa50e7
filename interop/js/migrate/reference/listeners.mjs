// "Listeners". Rows that would get into each other's way are in tables of their own.

/** The other tables by their names; each gets the socket. */
export const tables = {
  prepend,
  any,
  "prepend-any": prependAny,
  off,
  outgoing,
  "off-outgoing": offOutgoing,
  names,
  middleware,
  moving,
  leaving,
  errors,
  sequential,
};

/** What every table has: an answer that comes after all that was sent before. */
const flushed = (socket) => socket.on("flush", (answer) => answer());

/** The table of most rows, which registers itself with the namespace. */
export function table(io) {
  io.on("connection", (socket) => socket.emit("welcome", "Hello!"));
  io.on("connection", (socket) => {
    flushed(socket);
    socket.on("say", (text) => io.emit("said", text));
    socket.on("move", (x, y) => socket.broadcast.emit("moved", x, y));
    socket.on("typing", () => socket.broadcast.emit("typing"));
    socket.on("play", (...args) => socket.emit("played", ...args));
    socket.on("sum", (a, b, answer) => answer(a + b));
    socket.once("ready", () => socket.join("players"));
    socket.on("playing", (answer) => answer(socket.rooms.has("players")));
    socket.on("stop", (answer) => {
      socket.leave("players");
      answer();
    });
  });
}

function prepend(socket) {
  flushed(socket);
  socket.on("say", (text) => socket.emit("said", text));
  socket.prependListener("say", (text) => socket.emit("echo", text));
}

function any(socket) {
  flushed(socket);
  socket.onAny((name, ...args) => socket.emit("seen", name));
}

function prependAny(socket) {
  flushed(socket);
  socket.onAny((name) => socket.emit("later", name));
  socket.prependAny((name, ...args) => socket.emit("seen", name));
}

function off(socket) {
  flushed(socket);
  socket.on("say", (text) => socket.emit("said", text));
  socket.onAny((name) => socket.emit("seen", name));
  socket.removeAllListeners("say");
  socket.offAny();
}

function outgoing(socket) {
  flushed(socket);
  socket.on("play", (...args) => socket.emit("played", ...args));
  socket.onAnyOutgoing((name, ...args) => console.log(name + " to " + socket.id));
  socket.prependAnyOutgoing((name, ...args) => console.log("first", name));
}

function offOutgoing(socket) {
  flushed(socket);
  socket.on("play", (...args) => socket.emit("played", ...args));
  socket.onAnyOutgoing((name) => console.log(`still there: ${name}`));
  socket.offAnyOutgoing();
}

function names(socket) {
  flushed(socket);
  socket.on("say", () => {});
  const names = socket.eventNames();
  socket.on("names", (answer) => answer(names));
}

function middleware(socket) {
  flushed(socket);
  socket.use(([name], next) => next(name === "no" ? new Error("no") : undefined));
  socket.on("no", () => socket.emit("passed", "no"));
  socket.on("yes", () => socket.emit("passed", "yes"));
  socket.on("error", (error) => socket.emit("refused", error.message));
}

function moving(socket) {
  flushed(socket);
  socket.conn.on("upgrade", ({ name }) => socket.emit("moved", name));
  socket.on("wait", (answer) => {
    const { name } = socket.conn.transport;
    return name === "websocket" ? answer(true) : socket.conn.on("upgrade", () => answer(true));
  });
}

function leaving(socket) {
  flushed(socket);
  socket.join("players");
  socket.on("disconnecting", () => console.log(socket.rooms));
  socket.on("disconnect", (reason) => console.log(reason));
}

function errors(socket) {
  flushed(socket);
  const fail = async () => {
    throw new Error("as it was told");
  };
  socket.on("fail", async () => {
    try {
      await fail();
    } catch (error) {
      console.error(`${socket.id} fail: ${error.message}`);
    }
  });
}

function sequential(socket) {
  flushed(socket);
  let queue = Promise.resolve();
  const work = async (text) => {
    socket.emit("begun", text);
    await socket.emitWithAck("go");
    socket.emit("done", text);
  };
  socket.on("work", (text) => {
    queue = queue.then(() => work(text));
  });
}

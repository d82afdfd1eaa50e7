// "Login".

import { socketio } from "./server.mjs";

const refusal = (message, data) => Object.assign(new Error(message), { data });

function login(socket, next) {
  const { name, token } = socket.handshake.auth;
  if (token !== "secret") {
    return next(refusal("unauthorized"));
  }
  socket.data.user = { name };
  next();
}

/** Starts the server. */
export async function startLogin() {
  const io = await socketio("login");
  io.use(login);
  io.on("connection", (socket) => {
    socket.on("say", (text) => io.emit("said", socket.data.user.name, text));
  });
  io.of("/closed").use((_socket, next) => next(refusal("unauthorized", { code: 401 })));
  const both = io.of("/both");
  both.use((socket, next) => {
    next(socket.handshake.query.version === "2" ? undefined : refusal("too old"));
  });
  both.use(login);
  both.on("connection", (socket) => {
    socket.on("who", (answer) => answer(socket.data.user.name));
  });
}

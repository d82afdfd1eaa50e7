// "Variables of a connection".

/** What the loop of the page does. */
export function chat(socket) {
  const io = socket.nsp;
  let name = "somebody";
  socket.on("name", (chosen) => {
    name = chosen;
  });
  socket.on("say", (text) => io.emit("said", name, text));
  socket.on("count", (answer) => answer(io.sockets.size));
}

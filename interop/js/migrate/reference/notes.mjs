// "What the compiler says" is of Rust alone; this is what the listener there does.

const count = { notes: 0 };

/** The listener of a connection. */
export function notes(socket) {
  socket.on("note", (author, text) => {
    count.notes += 1;
    socket.broadcast.emit("noted", count.notes, author, text);
    console.log(`note ${count.notes}`);
  });
}

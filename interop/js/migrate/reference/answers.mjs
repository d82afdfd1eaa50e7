// "Errors as answers".

/** What the table of the page does. */
export function answers(socket) {
  socket.on("divide", (a, b, answer) => {
    answer(b === 0 ? { error: "division by zero" } : { value: a / b });
  });
}

import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const board = document.querySelector("#board");
const context = board.getContext("2d");
let last;

function clear() {
  context.fillStyle = "#eee";
  context.fillRect(0, 0, board.width, board.height);
}

function draw(fromX, fromY, toX, toY) {
  context.beginPath();
  context.moveTo(fromX * board.width, fromY * board.height);
  context.lineTo(toX * board.width, toY * board.height);
  context.stroke();
}

function place(event) {
  return [event.offsetX / board.clientWidth, event.offsetY / board.clientHeight];
}

board.style.touchAction = "none";
clear();

board.addEventListener("pointerdown", (event) => {
  board.setPointerCapture(event.pointerId);
  last = place(event);
});
board.addEventListener("pointermove", (event) => {
  if (!last) return;
  const line = [...last, ...place(event)];
  last = line.slice(2);
  draw(...line);
  socket.emit("line", ...line);
});
for (const end of ["pointerup", "pointercancel"]) {
  board.addEventListener(end, () => {
    last = undefined;
  });
}

socket.on("line", draw);
socket.on("picture", (lines) => {
  clear();
  for (const line of lines) draw(...line);
});

const connect = document.querySelector("#connect");
const close = document.querySelector("#close");
const form = document.querySelector("#form");
const log = document.querySelector("#log");
let socket;

function show(text) {
  const line = document.createElement("li");
  line.textContent = text;
  log.prepend(line);
}

function open() {
  socket = new WebSocket(new URL("/echo", location.href.replace(/^http/, "ws")));
  socket.addEventListener("open", () => show("open"));
  socket.addEventListener("message", (event) => show(event.data));
  socket.addEventListener("close", (event) => show(`closed with ${event.code}`));
}

connect.addEventListener("click", () => {
  if (!socket || socket.readyState === WebSocket.CLOSED) open();
});
close.addEventListener("click", () => socket?.close(1000));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket?.readyState === WebSocket.OPEN) socket.send(form.text.value);
  else show("not connected");
});

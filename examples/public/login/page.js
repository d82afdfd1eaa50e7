import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io({ autoConnect: false });
const login = document.querySelector("#login");
const say = document.querySelector("#say");
const status = document.querySelector("#status");

login.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, token } = login.elements;
  socket.auth = { name: name.value, token: token.value };
  socket.disconnect().connect();
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("say", say.text.value);
  say.reset();
});

socket.on("welcome", (text) => {
  status.textContent = text;
});
socket.on("connect_error", (error) => {
  status.textContent = `Refused: ${error.message}`;
});
socket.on("said", (name, text) => {
  const line = document.createElement("li");
  line.textContent = `${name}: ${text}`;
  document.querySelector("#log").append(line);
});

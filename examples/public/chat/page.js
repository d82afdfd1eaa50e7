import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const form = document.querySelector("#form");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("chat message", form.text.value);
  form.reset();
});

socket.on("chat message", (text) => {
  const line = document.createElement("li");
  line.textContent = text;
  document.querySelector("#log").append(line);
});

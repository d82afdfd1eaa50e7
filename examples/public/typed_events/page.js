import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const form = document.querySelector("#form");
const typing = document.querySelector("#typing");

form.addEventListener("input", () => socket.emit("typing"));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("say", form.text.value);
  form.reset();
});

socket.on("connect", async () => {
  document.querySelector("#sum").textContent = await socket.emitWithAck("sum", 1, 2);
});

socket.on("typing", (id) => {
  typing.textContent = `${id} is typing`;
});

socket.on("said", (id, text) => {
  const line = document.createElement("li");
  line.textContent = `${id}: ${text}`;
  document.querySelector("#log").append(line);
  typing.textContent = "";
});

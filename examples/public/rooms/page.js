import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const room = document.querySelector("#room");
const form = document.querySelector("#form");

function show(text) {
  const line = document.createElement("li");
  line.textContent = text;
  document.querySelector("#log").append(line);
}

document.querySelector("#room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const action = event.submitter.name;
  socket.emit(action, room.value);
  show(`${action} ${room.value}`);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("say", room.value, form.text.value);
  show(`you: ${form.text.value}`);
  form.reset();
});

socket.on("said", (id, text) => show(`${id}: ${text}`));

import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const form = document.querySelector("#form");

socket.on("what is your name?", (answer) => answer(prompt("What is your name?") ?? "Nobody"));

socket.on("welcome", (text) => {
  document.querySelector("#greeting").textContent = text;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const sum = await socket.emitWithAck("sum", form.a.valueAsNumber, form.b.valueAsNumber);
  document.querySelector("#sum").textContent = sum;
});

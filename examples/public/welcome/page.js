import { io } from "/socket.io/socket.io.esm.min.js";

const greeting = document.querySelector("#greeting");

io().on("welcome", (text) => {
  greeting.textContent = text;
});

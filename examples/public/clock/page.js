import { io } from "/socket.io/socket.io.esm.min.js";

const time = document.querySelector("#time");

io().on("time", (now) => {
  time.textContent = new Date(now).toLocaleTimeString();
});

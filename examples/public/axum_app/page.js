import { io } from "/socket.io/socket.io.esm.min.js";

const form = document.querySelector("#form");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch("/announce", { method: "POST", body: form.text.value });
  form.reset();
});

io().on("announcement", (text) => {
  const line = document.createElement("li");
  line.textContent = text;
  document.querySelector("#log").append(line);
});

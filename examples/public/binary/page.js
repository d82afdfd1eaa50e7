import { io } from "/socket.io/socket.io.esm.min.js";

const socket = io();
const input = document.querySelector("#file");
const status = document.querySelector("#status");
const BYTES_MAX = 999_000; // the server takes messages of up to 1,000,000 bytes

input.addEventListener("change", async () => {
  const file = input.files[0];
  if (!file) return;
  if (file.size > BYTES_MAX) {
    status.textContent = `${file.name} is too large.`;
    return;
  }
  const bytes = await socket.emitWithAck("file", file.name, await file.arrayBuffer());
  status.textContent = `The server got ${bytes} bytes.`;
});

socket.on("file", (name, data) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([data]));
  link.download = name;
  link.textContent = `${name}, ${data.byteLength} bytes`;
  const item = document.createElement("li");
  item.append(link);
  document.querySelector("#files").append(item);
});

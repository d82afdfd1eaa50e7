// The four events of a raw WebSocket, shown as they happen. The server at /ws/events echoes text
// and bytes, and obeys three texts: "close:CODE:REASON", "binary:COUNT" and "drop".

import { showState } from "/shared/badge.js";
import { byId } from "/shared/dom.js";
import { createLog } from "/shared/log.js";
import { dump, parseHex } from "./hex.js";

const STATES = ["Connecting", "Open", "Closing", "Closed"];
const FILE_BYTES_MAX = 65_536;
const address = `${location.origin.replace(/^http/, "ws")}/ws`;
const log = createLog(byId("log"));

let socket = null;

function open(path) {
  log.add("info", `new WebSocket("${address}${path}")`);
  socket = new WebSocket(address + path);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => happened("open", "info", "open");
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") happened("message", "in", `text: ${data}`);
    else happened("message", "in", `binary, ${data.byteLength} bytes\n${dump(data)}`);
  };
  // A page is never told why a connection failed: it could spy on the network it stands in.
  socket.onerror = () => happened("error", "error", "error (the browser tells no details)");
  socket.onclose = ({ code, reason, wasClean }) => {
    const details = `code ${code}, reason "${reason}", wasClean ${wasClean}`;
    happened("close", code === 1006 ? "error" : "info", `close: ${details}`);
  };
  showReadyState();
}

function happened(name, kind, text) {
  const item = document.querySelector(`[data-event="${name}"]`);
  const number = item.querySelector("b");
  number.textContent = Number(number.textContent) + 1;
  for (const other of item.parentElement.children) other.classList.toggle("lit", other === item);
  log.add(kind, text);
  showReadyState();
}

function showReadyState() {
  const state = socket?.readyState ?? 3;
  for (const item of byId("states").children) {
    if (Number(item.dataset.state) === state) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  if (socket) showState(["waiting", "online", "waiting", "offline"][state], STATES[state]);
  else showState("idle", "Not connected yet");
}

/** Sends when open; a mistake of the user is an exception of the API, and shown as such. */
function send(data, words) {
  attempt(() => {
    if (!socket) throw new Error("there is no WebSocket yet");
    // The one trap of send(): in CLOSING and CLOSED it drops the data without an exception.
    if (socket.readyState > WebSocket.OPEN) {
      throw new Error(`not sent, for the socket is not open: ${words}`);
    }
    socket.send(data);
    log.add("out", words);
  });
}

function attempt(action) {
  try {
    action();
  } catch (problem) {
    log.add("error", `${problem.name}: ${problem.message}`);
  }
  showReadyState();
}

byId("connect").addEventListener("click", () => {
  if (socket && socket.readyState < WebSocket.CLOSING) socket.close(1000, "a new one comes");
  open("/events");
});

byId("talk").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  send(text, `text: ${text}`);
});

byId("send-bytes").addEventListener("click", () => {
  attempt(() => {
    const bytes = parseHex(byId("hex").value);
    send(bytes, `binary, ${bytes.length} bytes\n${dump(bytes)}`);
  });
});

byId("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  if (file.size > FILE_BYTES_MAX) log.add("error", `${file.name} has more than 64 kB`);
  else send(file, `file ${file.name}, ${file.size} bytes`);
  target.value = "";
});

byId("make-binary").addEventListener("click", () => send("binary:32", "text: binary:32"));

byId("goodbye").addEventListener("submit", (event) => {
  event.preventDefault();
  const [code, reason] = [Number(byId("code").value), byId("reason").value];
  attempt(() => {
    if (!socket) throw new Error("there is no WebSocket yet");
    log.add("info", `close(${code}, "${reason}")`);
    socket.close(code, reason);
  });
});

byId("close-there").addEventListener("click", () => {
  const order = `close:${byId("code").value}:${byId("reason").value}`;
  send(order, `text: ${order}`);
});

byId("missing").addEventListener("click", () => {
  socket?.close();
  open("/nowhere");
});
byId("too-large").addEventListener("click", () => send(new Uint8Array(70_000), "70,000 bytes"));
byId("drop").addEventListener("click", () => send("drop", "text: drop"));

showReadyState();

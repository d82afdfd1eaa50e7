// Echo over a raw WebSocket. The server's own messages begin with "time:" and hold milliseconds
// since 1970; everything else is an echo.

import { showState } from "/shared/badge.js";
import { byId, clockTime } from "/shared/dom.js";
import { createLog } from "/shared/log.js";

const log = createLog(byId("log"));
const address = `${location.origin.replace(/^http/, "ws")}/ws/echo`;

let socket = null;
let sent = []; // when each message left that has not come back yet, oldest first
let lastTick = null;

function connect() {
  showState("waiting", "Connecting");
  log.add("info", `connecting to ${address}`);
  socket = new WebSocket(address);
  socket.onopen = () => {
    showState("online", "WebSocket");
    log.add("info", "open");
    showOpen(true);
    byId("message").focus();
  };
  socket.onmessage = ({ data }) => (data.startsWith("time:") ? onTime(data) : onEcho(data));
  socket.onerror = () => log.add("error", "the connection failed");
  socket.onclose = ({ code, reason, wasClean }) => {
    showState("offline", "Closed");
    const how = wasClean ? "cleanly" : "without a goodbye";
    log.add("info", `closed ${how} with code ${code}${reason && `, reason "${reason}"`}`);
    showOpen(false);
  };
  byId("connect").disabled = true;
}

function onTime(data) {
  const now = performance.now();
  const unixMs = Number(data.slice("time:".length));
  byId("time").textContent = clockTime(unixMs);
  byId("gap").textContent = lastTick ? `${Math.round(now - lastTick)} ms` : "first one";
  lastTick = now;
  log.add("time", `server time ${new Date(unixMs).toISOString()}`);
}

function onEcho(data) {
  const left = sent.shift();
  const took = left ? `${(performance.now() - left).toFixed(1)} ms` : "";
  byId("round-trip").textContent = took || "…";
  log.add("in", data, took);
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const box = byId("message");
  if (socket?.readyState !== WebSocket.OPEN || box.value === "") return;
  sent.push(performance.now());
  socket.send(box.value);
  log.add("out", box.value);
  box.value = "";
  box.focus();
});

byId("connect").addEventListener("click", connect);
byId("close").addEventListener("click", () => socket.close(1000, "the Close button"));

function showOpen(open) {
  sent = [];
  lastTick = null;
  byId("state").textContent = open ? "open" : "closed";
  byId("connect").disabled = open;
  for (const id of ["close", "message", "send"]) byId(id).disabled = !open;
  if (!open) byId("connect").focus();
}

showState("idle", "Not connected yet");

// The front page: one Socket.IO connection in the main namespace, and what can be seen of it.

import { transportName, watchConnection } from "/shared/badge.js";
import { transportOptions, withTransport } from "/shared/connection.js";
import { byId } from "/shared/dom.js";

const opened = performance.now();
const socket = io("/", transportOptions());

// The server says on connecting who it is and for how many seconds it has been running.
let startedAt = null;
socket.on("hello", ({ version, uptime }) => {
  byId("server").textContent = `rialto ${version}`;
  startedAt = Date.now() - uptime * 1000;
  showUptime();
});

setInterval(showUptime, 1000);

function showUptime() {
  if (startedAt !== null) byId("uptime").textContent = duration(Date.now() - startedAt);
}

socket.on("disconnect", (reason) => {
  byId("transport").textContent = "none";
  byId("path").textContent = reason;
  seen.length = 0;
  last = null;
});

// An empty event with an acknowledgement measures the round trip.
setInterval(measure, 2000);
socket.on("connect", measure);

async function measure() {
  if (!socket.connected) return;
  const sent = performance.now();
  try {
    await socket.timeout(2000).emitWithAck("rtt");
    byId("round-trip").textContent = `${(performance.now() - sent).toFixed(1)} ms`;
  } catch {
    byId("round-trip").textContent = "no answer";
  }
}

// The badge tells when the transport changes: polling first, WebSocket after the upgrade. A quick
// upgrade may be over before the namespace is joined, so the manager's own "open" counts as well.
const seen = [];
let last = null;
socket.io.on("open", () => note(socket.io.engine.transport.name));
watchConnection(socket, () => note(transportName(socket)));

function note(name) {
  if (!name || name === last) return;
  last = name;
  const words = name === "websocket" ? "WebSocket" : "polling";
  seen.push(`${words} after ${Math.round(performance.now() - opened)} ms`);
  byId("transport").textContent = words;
  byId("path").textContent = seen.join(", ");
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

// The cards keep a transport that was chosen in this page's address.
for (const link of document.querySelectorAll(".tile a")) {
  link.href = withTransport(link.getAttribute("href"));
}

// The clock: the server emits "api:server-time" with its time in milliseconds since 1970, at once
// on connecting and then every five seconds. Nothing is sent by the page.

import { watchConnection } from "/shared/badge.js";
import { transportOptions } from "/shared/connection.js";
import { byId, clockTime, svg } from "/shared/dom.js";
import { createLog } from "/shared/log.js";

const EVERY_MS = 5000;
const log = createLog(byId("log"));

let count = 0;
let last = null; // { arrived, serverMs } of the newest message; `arrived` by performance.now()

const socket = io("/clock", transportOptions());
watchConnection(socket);

socket.on("connect", () => log.add("info", "connected"));
socket.on("disconnect", (reason) => {
  last = null; // the gap over an absence says nothing about punctuality
  log.add("info", `disconnected: ${reason}`);
});

socket.on("api:server-time", (serverMs) => {
  const arrived = performance.now();
  const gap = last && arrived - last.arrived;
  last = { arrived, serverMs };
  count += 1;

  const offset = Math.round(Date.now() - serverMs);
  byId("count").textContent = count;
  byId("gap").textContent = gap ? `${(gap / 1000).toFixed(3)} s` : "first one";
  byId("offset").textContent = `${offset} ms`;
  byId("server-date").textContent = new Date(serverMs).toLocaleDateString([], {
    dateStyle: "full",
  });
  log.add("in", new Date(serverMs).toISOString(), gap ? `after ${Math.round(gap)} ms` : "");
  if (byId("announce").getAttribute("aria-pressed") === "true") {
    byId("spoken").textContent = `Server time ${clockTime(serverMs)}`;
  }
  draw();
});

// A clock that speaks by itself would be a nuisance: speaking is asked for.
byId("announce").addEventListener("click", ({ currentTarget: button }) => {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
});

/** The server's time now: the newest message and what has passed here since it came. */
function serverNow() {
  return last.serverMs + performance.now() - last.arrived;
}

function draw() {
  if (!last) return;
  const now = new Date(serverNow());
  const seconds = now.getSeconds();
  const minutes = now.getMinutes() + seconds / 60;
  turn("second", seconds * 6);
  turn("minute", minutes * 6);
  turn("hour", (now.getHours() % 12) * 30 + minutes / 2);
  const passed = Math.min(1, (performance.now() - last.arrived) / EVERY_MS);
  byId("wait").setAttribute("stroke-dasharray", `${(passed * 100).toFixed(1)} 100`);

  const time = byId("server-time");
  time.textContent = clockTime(now);
  time.dateTime = now.toISOString();
}

function turn(hand, degrees) {
  byId(hand).setAttribute("transform", `rotate(${degrees.toFixed(1)} 100 100)`);
}

for (let minute = 0; minute < 60; minute += 1) {
  const large = minute % 5 === 0;
  byId("ticks").append(
    svg("line", {
      class: large ? "major" : "minor",
      x1: 100, y1: large ? 18 : 16, x2: 100, y2: large ? 26 : 20,
      "stroke-width": large ? 3 : 1,
      transform: `rotate(${minute * 6} 100 100)`,
    }),
  );
}

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
setInterval(draw, still ? 1000 : 100);

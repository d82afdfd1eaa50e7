// Welcome: on each connection the server emits "welcome" to everyone in the namespace, with the
// text, the number of this visit and how many are here; on leaving it emits "goodbye".

import { watchConnection } from "/shared/badge.js";
import { transportOptions } from "/shared/connection.js";
import { byId } from "/shared/dom.js";
import { createLog } from "/shared/log.js";

const log = createLog(byId("log"));
const socket = io("/welcome", transportOptions());
watchConnection(socket);

socket.on("welcome", (text, visit, here) => {
  byId("greeting").textContent = text;
  showHere(here);
  log.add("in", `visit ${visit}: ${text}`, `${here} here`);
});

socket.on("goodbye", (here) => {
  showHere(here);
  log.add("in", "somebody left", `${here} here`);
});

socket.on("connect", () => {
  byId("leave").textContent = "Leave";
});

socket.on("disconnect", (reason) => {
  byId("leave").textContent = "Come back";
  byId("greeting").textContent = "…";
  byId("visitors").textContent = "you are outside";
  log.add("info", `disconnected: ${reason}`);
});

byId("leave").addEventListener("click", () => {
  if (socket.connected) socket.disconnect();
  else socket.connect();
});

function showHere(here) {
  byId("visitors").textContent = here === 1 ? "You are alone here" : `${here} are here now`;
}

byId("again").href = location.href;

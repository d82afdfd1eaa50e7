// The badge in the page's head: is the connection up, over which transport, how fast.
// Socket.IO pages call `watchConnection(socket)`, raw WebSocket pages `showState(...)`.

import { transportOptions } from "./connection.js";
import { byId } from "./dom.js";

const LABELS = { websocket: "WebSocket", polling: "Polling", webtransport: "WebTransport" };
const ROUND_TRIP_EVERY_MS = 5000;

/** `state`: "idle" (nothing tried yet), "waiting", "online" or "offline"; the words say the same as the colour. */
export function showState(state, words, detail = "") {
  const badge = byId("badge");
  badge.dataset.state = state;
  const label = byId("badge-words");
  // Setting equal text would make a screen reader say it again.
  if (label.textContent !== words) label.textContent = words;
  byId("badge-detail").textContent = detail;
}

/** The transport that carries this socket now, or null while there is none. */
export function transportName(socket) {
  return socket.connected ? socket.io.engine?.transport?.name ?? null : null;
}

/**
 * Keeps the badge true for as long as the page lives. The round trip is an empty event with an
 * acknowledgement in the main namespace, which shares the connection of `socket`.
 */
export function watchConnection(socket, onChange = () => {}) {
  const main = socket.nsp === "/" ? socket : io("/", transportOptions());
  let roundTrip = "";
  let last = "";

  const show = () => {
    const name = transportName(socket);
    if (name) showState("online", LABELS[name] ?? name, roundTrip);
    else if (socket.active) showState("waiting", "Connecting");
    else showState("offline", "Offline");
    const now = name ?? "none";
    if (now !== last) onChange((last = now));
  };
  const measure = async () => {
    if (!main.connected) return;
    const sent = performance.now();
    try {
      await main.timeout(ROUND_TRIP_EVERY_MS).emitWithAck("rtt");
      roundTrip = `${Math.max(1, Math.round(performance.now() - sent))} ms`;
    } catch {
      roundTrip = "";
    }
    show();
  };

  socket.on("connect", () => {
    socket.io.engine?.on?.("upgrade", show);
    show();
  });
  socket.on("disconnect", show);
  socket.on("connect_error", show);
  main.on("connect", measure);
  setInterval(measure, ROUND_TRIP_EVERY_MS);
  // An upgrade happens without an event of the socket: look once in a while as well.
  setInterval(show, 500);
  show();
}

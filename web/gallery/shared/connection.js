// Which transport this page shall use. By default Socket.IO starts with HTTP long-polling and
// upgrades to WebSocket; `?transport=polling` or `?transport=websocket` keeps it to one of them.

const CHOICES = ["polling", "websocket"];

/** "polling", "websocket" or "upgrade". */
export function wantedTransport() {
  const wanted = new URLSearchParams(location.search).get("transport");
  return CHOICES.includes(wanted) ? wanted : "upgrade";
}

/** The options to hand to `io(namespace, options)`. */
export function transportOptions() {
  const wanted = wantedTransport();
  return wanted === "upgrade" ? {} : { transports: [wanted] };
}

/** `path` with the chosen transport kept in its query. */
export function withTransport(path, transport = wantedTransport()) {
  return transport === "upgrade" ? path : `${path}?transport=${transport}`;
}

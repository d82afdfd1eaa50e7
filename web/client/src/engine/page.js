// What the page tells: the network is gone, or the page itself is going.

const onPage = typeof addEventListener === "function" && typeof removeEventListener === "function";
const offlineListeners = new Set();

// In a service worker listeners must be there from its first run on: one for all connections.
if (onPage) {
  addEventListener("offline", () => {
    for (const listener of [...offlineListeners]) listener();
  });
}

/** A connection to this machine does not need the network. */
function isLoopback(hostname) {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/**
 * Watches the page for a connection.
 *
 * @param {object} options `hostname` and `closeOnBeforeunload` are read
 * @param {{offline: () => void, unload: () => void}} listener
 * @returns {() => void} ends the watch
 */
export function watchPage({ hostname, closeOnBeforeunload }, { offline, unload }) {
  if (!onPage) return () => {};
  if (!isLoopback(hostname)) offlineListeners.add(offline);
  if (closeOnBeforeunload) addEventListener("beforeunload", unload);
  return () => {
    offlineListeners.delete(offline);
    removeEventListener("beforeunload", unload);
  };
}

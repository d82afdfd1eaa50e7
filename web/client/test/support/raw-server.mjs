// A server that says exactly what a test tells it to, for what no real server does.

import { WebSocketServer } from "ws";

/**
 * Engine.IO 4 over WebSocket with a handshake and nothing more.
 *
 * @param {(text: string, ws: import("ws").WebSocket) => void} onText gets each text of the client
 * @param {object} [handshake] fields that differ from the usual ones
 */
export async function startRawServer(onText, handshake = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const opened = {
    sid: "raw",
    upgrades: [],
    pingInterval: 25000,
    pingTimeout: 20000,
    ...handshake,
  };
  server.on("connection", (ws) => {
    ws.send(`0${JSON.stringify({ maxPayload: 100000, ...opened })}`);
    ws.on("message", (data, isBinary) => {
      if (!isBinary) onText(data.toString(), ws);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const close = async () => {
    for (const ws of server.clients) ws.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Accepts the main namespace, and answers nothing else. */
export function acceptOnly(text, ws) {
  if (text.startsWith("40")) ws.send('40{"sid":"raw-socket"}');
}

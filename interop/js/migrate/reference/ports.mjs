// The servers of this process and their addresses.

import http from "node:http";

/** Where each server is, by its name. */
export const urls = {};

/** Listens on a free port; gives back the address. */
export async function listen(httpServer, name) {
  await new Promise((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${httpServer.address().port}`;
  if (name) {
    urls[name] = url;
  }
  return url;
}

/** Starts what takes a number for its port, again if somebody else was faster. */
export async function listenAt(name, start) {
  for (;;) {
    const probe = http.createServer();
    const { port } = new URL(await listen(probe));
    await new Promise((resolve) => probe.close(resolve));
    const server = start(Number(port));
    const listening = await new Promise((resolve) => {
      server.once("listening", () => resolve(true));
      server.once("error", () => resolve(false));
    });
    if (listening) {
      urls[name] = `http://127.0.0.1:${port}`;
      return;
    }
  }
}

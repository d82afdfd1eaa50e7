// The ways on which Rialto's WebSocket client reaches the npm server: TLS, client certificates,
// Unix sockets, redirects, proxies.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { WebSocketServer } from "ws";
import { next } from "./clients.mjs";
import { SUBJECT, program } from "./server.mjs";

/** How long the client may take to say what it sees. */
const LINE_MS = 8_000;

const file = (name) => path.join(import.meta.dirname, "tls", name);
const CA = ["--ca", file("ca.pem")];
const CERTIFICATE = ["--cert", file("client.pem"), "--key", file("client-key.pem")];

/** Starts the client; gives back what it says, line by line. */
function client(t, url, args = [], env = {}) {
  const [command, ...fixed] =
    SUBJECT === "reference"
      ? [process.execPath, path.join(import.meta.dirname, "reference-ws-client.mjs")]
      : [program("ws-client")];
  const options = { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } };
  const child = spawn(command, [...fixed, url, ...args], options);
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    const late = new Promise((resolve) => setTimeout(resolve, LINE_MS).unref());
    const line = await Promise.race([lines.next(), late]);
    assert.ok(line && !line.done, "the client says something");
    return JSON.parse(line.value);
  };
}

/** A WebSocket server on an HTTP or HTTPS server that listens where it is told. */
async function serve(t, server, ...where) {
  const sockets = new WebSocketServer({ server });
  const connections = new Set();
  for (const event of ["connection", "secureConnection"]) {
    server.on(event, (socket) => connections.add(socket.on("error", () => {})));
  }
  t.after(() => {
    connections.forEach((socket) => socket.destroy());
    server.close();
  });
  server.listen(...where);
  await next(server, "listening");
  return sockets;
}

/** Connects, and echoes a small and a large message. */
async function works(t, sockets, url, args, env) {
  const arrival = next(sockets, "connection");
  const says = client(t, url, args, env);
  const [peer, request] = await arrival;
  peer.on("error", () => {});
  // Of a socket that is still open: later there is nothing to be asked.
  request.tls = request.socket.getProtocol?.();
  request.subject = request.socket.getPeerCertificate?.()?.subject;
  for (const text of ["hello", "я".repeat(300_000)]) {
    const answer = next(peer, "message");
    peer.send(text);
    assert.ok((await answer)[0].toString() === text);
  }
  assert.ok((await says()).open);
  peer.close(1001, "enough");
  assert.deepEqual(await says(), { close: { code: 1001, reason: "enough" } });
  return request;
}

function tls(options = {}) {
  return https.createServer({
    cert: readFileSync(file("server.pem")),
    key: readFileSync(file("server-key.pem")),
    ca: readFileSync(file("ca.pem")),
    ...options,
  });
}

describe("TLS", { concurrency: true }, () => {
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    test(`${version}, by address and by name`, async (t) => {
      const server = tls({ minVersion: version, maxVersion: version });
      const sockets = await serve(t, server, 0, "127.0.0.1");
      const { port } = server.address();
      await works(t, sockets, `wss://127.0.0.1:${port}/a?b`, CA);
      const request = await works(t, sockets, `wss://localhost:${port}/`, CA);
      assert.equal(request.headers.host, `localhost:${port}`);
      assert.equal(request.tls, version);
    });
  }

  test("an authority that the platform does not know", async (t) => {
    const server = tls();
    await serve(t, server, 0, "127.0.0.1");
    const says = client(t, `wss://127.0.0.1:${server.address().port}/`);
    assert.match((await says()).failed.error, /certificate|UnknownIssuer/i);
  });

  test("a server that asks for a certificate", async (t) => {
    const server = tls({ requestCert: true, rejectUnauthorized: true });
    const sockets = await serve(t, server, 0, "127.0.0.1");
    const url = `wss://127.0.0.1:${server.address().port}/`;
    const request = await works(t, sockets, url, [...CA, ...CERTIFICATE]);
    assert.equal(request.subject.CN, "client");
    assert.ok((await client(t, url, CA)()).failed);
  });

  test("a server without TLS", async (t) => {
    const server = http.createServer();
    await serve(t, server, 0, "127.0.0.1");
    const says = client(t, `wss://127.0.0.1:${server.address().port}/`, CA);
    assert.equal((await says()).failed.status, null);
  });
});

test("a Unix socket", { skip: process.platform === "win32" }, async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "rialto-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = path.join(folder, "s");
  const sockets = await serve(t, http.createServer(), place);
  const request = await works(t, sockets, `ws+unix://${place}:/deep?a=1`);
  assert.equal(request.url, "/deep?a=1");
});

test("a user in the URL", async (t) => {
  const server = http.createServer();
  const sockets = await serve(t, server, 0, "127.0.0.1");
  const url = `ws://al%20ice:p%3Aw@127.0.0.1:${server.address().port}/`;
  const { headers } = await works(t, sockets, url);
  assert.equal(atob(headers.authorization.split(" ")[1]), "al ice:p:w");
});

describe("redirects", { concurrency: true }, () => {
  /** A server that sends every handshake elsewhere. */
  async function redirecting(t, location) {
    const server = http.createServer();
    server.on("upgrade", (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nConnection: close\r\n\r\n`);
    });
    server.listen(0, "127.0.0.1");
    t.after(() => server.close());
    await next(server, "listening");
    return `ws://127.0.0.1:${server.address().port}/`;
  }

  test("from ws to wss, without what was meant for the first host", async (t) => {
    const server = tls();
    const sockets = await serve(t, server, 0, "127.0.0.1");
    const url = await redirecting(t, `https://localhost:${server.address().port}/end?x`);
    const args = [...CA, "--redirects", "3", "--header", "Cookie:a=b", "--header", "X-A:b"];
    const { url: target, headers } = await works(t, sockets, url, args);
    assert.equal(target, "/end?x");
    assert.equal(headers.cookie, undefined);
    assert.equal(headers["x-a"], "b");
  });

  test("off unless asked for, and bounded", async (t) => {
    const url = await redirecting(t, "/again");
    assert.equal((await client(t, url)()).failed.status, 302);
    // The yardstick says by an error without status that it has had enough.
    assert.ok((await client(t, url, ["--redirects", "2"])()).failed);
  });
});

// npm's client knows proxies by an agent of another package only.
describe("proxies", { concurrency: true, skip: SUBJECT === "reference" }, () => {
  /** A CONNECT proxy on Node's own HTTP server: `[url, requests]`. */
  async function proxy(t, port) {
    const requests = [];
    const server = http.createServer();
    const open = new Set();
    server.on("connect", ({ url, headers }, near, head) => {
      requests.push({ url, headers });
      const far = net.connect(port, "127.0.0.1", () => {
        near.write("HTTP/1.1 200 Connection established\r\n\r\n");
        far.write(head);
        far.pipe(near);
        near.pipe(far);
      });
      [near, far].forEach((socket) => open.add(socket.on("error", () => {})));
    });
    server.listen(0, "127.0.0.1");
    t.after(() => {
      open.forEach((socket) => socket.destroy());
      server.close();
    });
    await next(server, "listening");
    return [`http://me:pw@127.0.0.1:${server.address().port}`, requests];
  }

  for (const scheme of ["ws", "wss"]) {
    test(`${scheme} through CONNECT, by flag and by environment`, async (t) => {
      const server = scheme === "wss" ? tls() : http.createServer();
      const sockets = await serve(t, server, 0, "127.0.0.1");
      const { port } = server.address();
      const [url, requests] = await proxy(t, port);
      await works(t, sockets, `${scheme}://localhost:${port}/`, [...CA, "--proxy", url]);
      // Not of this machine, as far as names tell: the environment counts.
      const [target, ca] = scheme === "wss" ? ["wss://chat.test/", CA] : ["ws://chat.test/", []];
      const variable = scheme === "wss" ? "HTTPS_PROXY" : "HTTP_PROXY";
      const env = { [variable]: url, NO_PROXY: "", no_proxy: "" };
      if (scheme === "ws") {
        await works(t, sockets, target, ca, env);
      } else {
        // The way is found; the certificate is for another name.
        assert.match((await client(t, target, ca, env)()).failed.error, /name/);
      }
      const [first, second] = requests;
      assert.equal(first.url, `localhost:${port}`);
      assert.equal(atob(first.headers["proxy-authorization"].split(" ")[1]), "me:pw");
      assert.equal(second.url, scheme === "wss" ? "chat.test:443" : "chat.test:80");
    });
  }
});

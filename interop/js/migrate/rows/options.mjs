import assert from "node:assert/strict";
import { once } from "node:events";
import * as msgpackParser from "socket.io-msgpack-parser";
import { WebSocket } from "ws";
import { ack, DEADLINE_MS, eventually, next } from "../../clients.mjs";
import { GENERATIONS, old } from "../../generations.mjs";
import { pick } from "../../server.mjs";
import { encodings } from "../compression.mjs";
import { greeted, join, row, said, urls } from "../subject.mjs";

const HANDSHAKE = "/socket.io/?EIO=4&transport=polling";

/** A request to that server; the handshake, if nothing else is said. */
function ask(server, { path = HANDSHAKE, ...options } = {}) {
  return fetch(urls[server] + path, { signal: AbortSignal.timeout(DEADLINE_MS), ...options });
}

/** What the server says of itself in the first packet. */
async function opened(server) {
  return JSON.parse((await (await ask(server)).text()).slice(1));
}

const heard = (socket, event) => {
  return once(socket, event, { signal: AbortSignal.timeout(DEADLINE_MS) });
};

/** A raw WebSocket to Socket.IO that has been opened. */
async function open(t, server, query = "", options = {}) {
  const url = `${urls[server].replace("http", "ws")}/socket.io/?EIO=4&transport=websocket${query}`;
  const socket = new WebSocket(url, options);
  t.after(() => socket.terminate());
  await heard(socket, query ? "open" : "message");
  return socket;
}

row('path: "/live"', async (t) => {
  await greeted(t, "path", "/", { path: "/live" });
  assert.equal((await ask("path")).status, 404);
});

row(["pingInterval: 10000", "pingTimeout: 5000", "maxHttpBufferSize: 2000"], async () => {
  assert.equal((await opened("pingInterval")).pingInterval, 10_000);
  assert.equal((await opened("pingTimeout")).pingTimeout, 5_000);
  assert.equal((await opened("maxHttpBufferSize")).maxPayload, 2_000);
});

row("connectTimeout: 500", async (t) => {
  const socket = await open(t, "connectTimeout");
  await heard(socket, "close");
});

row("upgradeTimeout: 500", async (t) => {
  const { sid } = await opened("upgradeTimeout");
  const socket = await open(t, "upgradeTimeout", `&sid=${sid}`);
  const [probed, closed] = [heard(socket, "message"), heard(socket, "close")];
  socket.send("2probe");
  assert.equal((await probed)[0].toString(), "3probe");
  await closed;
});

row('transports: ["websocket"]', async (t) => {
  const refused = await ask("transports");
  assert.deepEqual([refused.status, (await refused.json()).code], [400, 0]);
  await greeted(t, "transports", "/", { transports: ["websocket"] });
});

row("allowUpgrades: false", async () => {
  assert.deepEqual((await opened("allowUpgrades")).upgrades, []);
  assert.deepEqual((await opened("pingInterval")).upgrades, ["websocket"]);
});

row("allowEIO3: true", async (t) => {
  const generation = GENERATIONS.find(({ name }) => name === "2.5");
  const socket = old(t, { url: urls.allowEIO3 }, { generation });
  const welcome = next(socket, "welcome");
  socket.connect();
  assert.deepEqual(await welcome, [false]);
});

row("allowEIO3: true, for JSONP", async () => {
  const answer = await ask("jsonp", { path: "/socket.io/?EIO=3&transport=polling&j=0" });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /^___eio\[0\]\("/);
});

/** The cookie of a session without the session's id. */
async function cookieOf(server) {
  const [cookie] = (await ask(server)).headers.getSetCookie();
  return cookie.replace(/=[^;]{20,}/, "=…");
}

row("cookie: true", async () => {
  assert.equal(await cookieOf("cookie"), "io=…; Path=/; HttpOnly; SameSite=Lax");
});

row('cookie: { name: "node", maxAge: 3600, sameSite: "none", secure: true }', async () => {
  const parts = (await cookieOf("cookie with attributes")).split("; ");
  const expected = ["node=…", "Max-Age=3600", "Path=/", "HttpOnly", "Secure", "SameSite=None"];
  assert.deepEqual(parts, expected);
});

/** The fields of CORS in the answer to a handshake, or to its preflight request. */
async function cors(server, origin, method = "GET") {
  const asked = { "access-control-request-method": "POST" };
  const headers = { origin, ...(method === "OPTIONS" ? asked : {}) };
  const fields = [...(await ask(server, { method, headers })).headers];
  const ofCors = fields.filter(([name]) => name.startsWith("access-control-"));
  return Object.fromEntries(ofCors.map(([name, value]) => [name.slice(15), value]));
}

row('cors: { origin: ["https://app.example"], credentials: true }', async () => {
  const expected = { "allow-origin": "https://app.example", "allow-credentials": "true" };
  assert.deepEqual(await cors("cors", "https://app.example"), expected);
  assert.equal((await cors("cors", "https://other.test"))["allow-origin"], undefined);
});

row("cors: { origin: /\\.example$/ }", async () => {
  const app = "https://app.example";
  assert.equal((await cors("cors by pattern", app))["allow-origin"], app);
  assert.equal((await cors("cors by pattern", `${app}.test`))["allow-origin"], undefined);
});

row('cors: { origin: "*", methods: ["GET", "POST"], allowedHeaders: ["x-a"] }', async () => {
  const fields = await cors("cors for all", "https://any.test", "OPTIONS");
  assert.equal(fields["allow-origin"], "*");
  assert.deepEqual(fields["allow-methods"].split(/, ?/), ["GET", "POST"]);
  assert.equal(fields["allow-headers"], "x-a");
});

row("cors: { origin: async (origin, done) => done(null, await known(origin)) }", async () => {
  const asked = "https://asked.example";
  const allowed = async (origin) => (await cors("cors by an async function", origin))["allow-origin"];
  assert.equal(await allowed(asked), asked);
  assert.equal(await allowed("https://other.test"), undefined);
});

/** How a poll is encoded that brings so much text. */
function echoed(server, size) {
  return encodings(server, "/", `420${JSON.stringify(["echo", "x".repeat(size)])}`, size);
}

row("httpCompression: { threshold: 4096 }", async () => {
  assert.deepEqual(await echoed("httpCompression", 5000), ["gzip"]);
  assert.deepEqual(await echoed("httpCompression", 3000), [null]);
});

row("httpCompression: false", async () => {
  assert.deepEqual(await echoed("no httpCompression", 5000), [null]);
});

row("perMessageDeflate: { threshold: 2048 }", async (t) => {
  // With a context that is kept, Node compresses what is below the threshold, too.
  const perMessageDeflate = { serverNoContextTakeover: true };
  const socket = await open(t, "perMessageDeflate", "", { perMessageDeflate });
  assert.match(socket.extensions, /^permessage-deflate/);
  const welcome = new Promise((resolve) => {
    socket.on("message", (data) => data.toString().startsWith("42") && resolve());
  });
  socket.send("40");
  await welcome;
  // RSV1 says that a message is compressed.
  const compressed = async (size, event = "echo") => {
    const written = heard(socket._socket, "data");
    socket.send(`420${JSON.stringify([event, "x".repeat(size)])}`);
    return ((await written)[0][0] & 0x40) !== 0;
  };
  assert.equal(await compressed(1000), false);
  assert.equal(await compressed(3000), true);
  // Node's `compress(false)` is for polls alone.
  assert.equal(await compressed(3000, "plain"), pick({ reference: true, rialto: false }));
});

row('allowRequest: (request, done) => done("no cookie", Boolean(request.headers.cookie))', async () => {
  const refused = await ask("allowRequest");
  assert.deepEqual([refused.status, (await refused.json()).message], [403, "no cookie"]);
  assert.equal((await ask("allowRequest", { headers: { cookie: "id=1" } })).status, 200);
});

const ASYNC = 'allowRequest: async (request, done) => done("no ticket", await admit(request))';
row(ASYNC, async () => {
  const refused = await ask("async allowRequest");
  assert.deepEqual([refused.status, (await refused.json()).message], [403, "no ticket"]);
  const path = `${HANDSHAKE}&ticket=7`;
  assert.equal((await ask("async allowRequest", { path })).status, 200);
});

for (const [name, server] of [
  ["io.engine.generateId = (request) => makeId(request)", "generateId"],
  ["io.engine.generateId = async (request) => await laterId(request)", "async generateId"],
]) {
  row(name, async () => {
    const answer = await ask(server, { path: `${HANDSHAKE}&name=ada` });
    const { sid } = JSON.parse((await answer.text()).slice(1));
    assert.equal(sid, `made-for-${"ada".padStart(20, "0")}`);
  });
}

row("serveClient: false", async () => {
  const path = "/socket.io/socket.io.js";
  assert.equal((await ask("path", { path: "/live/socket.io.js" })).status, 200);
  assert.ok([400, 404].includes((await ask("serveClient", { path })).status));
});

/** The field that the hook adds, in the answers to a handshake and to a request of the session. */
async function fieldsOf(server) {
  const answer = await ask(server);
  const { sid } = JSON.parse((await answer.text()).slice(1));
  const path = `${HANDSHAKE}&sid=${sid}`;
  const later = await ask(server, { path, method: "POST", body: "40" });
  return [answer, later].map(({ headers }) => headers.get("x-method"));
}

row('io.engine.on("initial_headers", add)', async () => {
  assert.deepEqual(await fieldsOf("initial_headers"), ["GET", null]);
});

row('io.engine.on("headers", add)', async () => {
  assert.deepEqual(await fieldsOf("headers"), ["GET", "POST"]);
});

row("io.engine.use(gate)", async (t) => {
  assert.equal((await ask("engine.use")).headers.get("x-gate"), "passed");
  const socket = new WebSocket(`${urls["engine.use"]}/socket.io/?EIO=4&transport=websocket`);
  t.after(() => socket.terminate());
  const [{ headers }] = await heard(socket, "upgrade");
  assert.equal(headers["x-gate"], "passed");
});

row("parser: msgpackParser, of socket.io-msgpack-parser", async (t) => {
  const parser = msgpackParser.default ?? msgpackParser;
  const [socket] = await greeted(t, "parser", "/", { parser });
  assert.equal(await ack(socket, "echo", "hello"), "hello");
});

row("cleanupEmptyChildNamespaces: true", async (t) => {
  const watcher = await join(t, "cleanupEmptyChildNamespaces");
  const child = await join(t, "cleanupEmptyChildNamespaces", "/child-1");
  assert.equal(await ack(watcher, "children"), 1);
  child.disconnect();
  await eventually(async () => (await ack(watcher, "children")) === 0);
});

const REFUSED =
  'io.engine.on("connection_error", (error) => console.log("refused with", error.code))';
row(REFUSED, async () => {
  const path = "/socket.io/?EIO=4&transport=pigeon";
  assert.equal((await ask("connection_error", { path })).status, 400);
  await said(/^refused with 0$/);
});

/** Loses a connection and comes back, with another login. */
async function comesBack(t, server, auth) {
  const [watcher] = await greeted(t, server);
  const [socket, greeting] = await greeted(t, server);
  assert.equal(greeting, false);
  const { id } = socket;
  socket.io.engine.close();
  await eventually(async () => (await ack(watcher, "count")) === 1);
  socket.auth = auth;
  const welcome = next(socket, "welcome");
  socket.connect();
  assert.equal((await welcome)[0], true);
  assert.deepEqual([socket.recovered, socket.id], [true, id]);
}

row("connectionStateRecovery: {}", async (t) => {
  await comesBack(t, "recovery", {});
});

const RECOVERY =
  "connectionStateRecovery: { maxDisconnectionDuration: 60e3, skipMiddlewares: true }";
row(RECOVERY, async (t) => {
  await comesBack(t, "recovery without middlewares", { refuse: true });
});

const TOLERANT =
  "class Tolerant extends Decoder { constructor() { super({ maxAttachments: 20 }); } }, as the parser's";
row(TOLERANT, async (t) => {
  const parts = Array.from({ length: 20 }, (_, index) => Buffer.from([index]));
  const socket = await join(t, "maxAttachments");
  assert.equal(await ack(socket, "parts", parts), 20);
  const strict = await join(t, "no httpCompression");
  const lost = next(strict, "disconnect");
  strict.emit("parts", parts.slice(0, 11), () => {});
  assert.equal((await lost)[0], "transport close");
});

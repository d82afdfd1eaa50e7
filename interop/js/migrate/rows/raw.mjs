import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { DEADLINE_MS, eventually } from "../../clients.mjs";
import { row, said, urls } from "../subject.mjs";

/** An open WebSocket to that server; `t` closes it. */
async function open(t, server, { path = "/", protocols = [], ...options } = {}) {
  const url = urls[server].replace("http", "ws") + path;
  const socket = new WebSocket(url, protocols, options);
  t.after(() => socket.terminate());
  await heard(socket, "open");
  return socket;
}

const heard = (socket, event) => {
  return once(socket, event, { signal: AbortSignal.timeout(DEADLINE_MS) });
};

/** Sends a message and gives back the next one, as text or as bytes. */
async function ask(socket, message) {
  const answer = heard(socket, "message");
  socket.send(message);
  const [data, isBinary] = await answer;
  return isBinary ? data : data.toString();
}

async function echoes(t, server, path) {
  const socket = await open(t, server, { path });
  assert.equal(await ask(socket, "hello"), "hello");
  assert.deepEqual(await ask(socket, Buffer.from([1, 2, 3])), Buffer.from([3, 2, 1]));
  return socket;
}

const READING = ["socket.on(\"message\", (data) => { …", "data.toString()", "data, a Buffer"];
row(['new WebSocketServer({ host: "127.0.0.1", port })', ...READING], async (t) => {
  await echoes(t, "ws");
});

row('new WebSocketServer({ server, path: "/echo" })', async (t) => {
  await echoes(t, "ws-path", "/echo");
  await assert.rejects(open(t, "ws-path", { path: "/other" }), /Unexpected server response: 4\d\d/);
});

row("new WebSocketServer({ maxPayload: 1000, … })", async (t) => {
  const socket = await echoes(t, "ws-large", "/large");
  assert.equal((await ask(socket, "x".repeat(1000))).length, 1000);
  const closed = heard(socket, "close");
  socket.send("x".repeat(1001));
  assert.equal((await closed)[0], 1009);
});

row("new WebSocketServer({ perMessageDeflate: true, … })", async (t) => {
  const socket = await echoes(t, "ws-deflate");
  assert.equal(socket.extensions, "permessage-deflate");
  const written = heard(socket._socket, "data");
  socket.send("x".repeat(5000));
  // FIN, opcode 1 and RSV1, which says that it is compressed.
  assert.equal((await written)[0][0], 0xc1);
  const plain = await open(t, "ws-deflate", { perMessageDeflate: false });
  assert.equal(plain.extensions, "");
});

row(['socket.send("text")', "socket.send(buffer)"], async (t) => {
  const socket = await open(t, "ws-one");
  assert.equal(await ask(socket, "text"), "text");
  assert.deepEqual(await ask(socket, "buffer"), Buffer.from([1, 2, 3]));
});

row("socket.send(image, { compress: false })", async (t) => {
  const socket = await open(t, "ws-one");
  assert.equal(socket.extensions, "permessage-deflate");
  const written = heard(socket._socket, "data");
  socket.send("image");
  // FIN and opcode 2, without RSV1, and the length: nothing of it is compressed.
  const head = [...(await written)[0].subarray(0, 4)];
  assert.deepEqual(head, [0x82, 126, 5000 >> 8, 5000 & 255]);
});

row(['socket.on("close", (code, reason) => console.log(…))'], async (t) => {
  const socket = await open(t, "ws-one");
  socket.close(4000, "enough");
  await said(/^4000 enough$/);
});

row('socket.close(1000, "bye")', async (t) => {
  const socket = await open(t, "ws-one");
  const closed = heard(socket, "close");
  socket.send("close");
  const [code, reason] = await closed;
  assert.deepEqual([code, reason.toString()], [1000, "bye"]);
});

row("socket.terminate()", async (t) => {
  const socket = await open(t, "ws-one");
  const closed = heard(socket, "close");
  socket.on("error", () => {});
  socket.send("terminate");
  assert.equal((await closed)[0], 1006);
});

row("socket.ping()", async (t) => {
  const socket = await open(t, "ws-one");
  const ping = heard(socket, "ping");
  socket.send("ping");
  assert.equal((await ping)[0].length, 0);
});

const ABOUT = ["request.url", "request.headers.cookie", "socket.protocol"];
row(["socket.bufferedAmount", ...ABOUT], async (t) => {
  const options = { path: "/?room=4", headers: { cookie: "id=1" } };
  const socket = await open(t, "ws-one", options);
  assert.equal(await ask(socket, "buffered"), "0");
  assert.equal(await ask(socket, "url"), "/?room=4");
  assert.equal(await ask(socket, "cookie"), "id=1");
  assert.equal(await ask(socket, "protocol"), "");
  const chat = await open(t, "ws-one", { protocols: ["chat"] });
  assert.equal(await ask(chat, "protocol"), "chat");
});

const CLIENTS = "wss.clients.forEach((client) => client.send(data))";
const OTHERS =
  "wss.clients.forEach((client) => { if (client !== socket) client.send(data) })";
const MEMBERS = ["wss.clients.add(socket) (it does so itself)", "wss.clients.size"];
row([...MEMBERS, CLIENTS, OTHERS], async (t) => {
  const [one, two] = [await open(t, "ws-all"), await open(t, "ws-all")];
  // Its answer comes when it is a member.
  assert.match(await ask(two, "size"), /^[12]$/);
  assert.equal(await ask(one, "size"), "2");
  const toTwo = heard(two, "message");
  assert.equal(await ask(one, "to all"), "to all");
  assert.equal((await toTwo)[0].toString(), "to all");
  const [next, own] = [heard(two, "message"), []];
  one.on("message", (data) => own.push(data.toString()));
  one.send("others only");
  assert.equal((await next)[0].toString(), "others only");
  one.send("size");
  await eventually(() => own.includes("2"));
  assert.deepEqual(own, ["2"]);
});

const CONNECT = "new WebSocket(url)";
row([CONNECT, 'new WebSocket(url, { headers: { cookie: "id=1" } })'], async (t) => {
  const socket = await open(t, "ws-one");
  const url = `${urls["ws-one"].replace("http", "ws")}/`;
  assert.equal(await ask(socket, `connect ${url}`), "");
  assert.equal(await ask(socket, `connect with a cookie ${url}`), "id=1");
});

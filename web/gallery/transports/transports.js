// Three connections, the same work on each. The namespace answers "echo" with its text, counts
// "note" and says the count on "noted", and sends as many "tick" as "stream" asks for.
// meter.js counts what passes; this module gives it work to count.

import { watchConnection } from "/shared/badge.js";
import { transportOptions } from "/shared/connection.js";
import { byId } from "/shared/dom.js";
import { createReport } from "./report.js";

const LANES = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
};
const ANSWER_WITHIN_MS = 20_000;
const report = createReport(Object.keys(LANES));

// The badge has a connection of its own, which no lane counts.
watchConnection(io("/", transportOptions()));

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const work = { count: Number(byId("count").value), size: Number(byId("size").value) };
  byId("run").disabled = true;
  report.clear();
  try {
    for (const name of Object.keys(LANES)) {
      say(`${name} is at work …`);
      report.show(name, await run(name, work), true);
    }
    say("Done. Change the sliders and run again.");
  } catch (problem) {
    say(`Stopped: ${problem.message}.`);
  }
  byId("run").disabled = false;
});

/** A fresh connection does the work and is closed again; answers with all that was counted. */
async function run(name, { count, size }) {
  meter.reset(name);
  const counters = meter.lane(name);
  const started = performance.now();
  // forceNew: not the shared connection of the badge. The query names the lane for meter.js.
  const options = { ...LANES[name], forceNew: true, reconnection: false, query: { lane: name } };
  const socket = io("/transports", options);
  const result = { counters, head: 0, messages: 0, latencies: [], transport: "", total: 0 };
  const timer = setInterval(() => report.show(name, result, false), 100);
  try {
    result.head = await hello(socket);
    await pingPong(socket, result, count, "x".repeat(size));
    await sendAll(socket, result, count, "x".repeat(size));
    await receiveAll(socket, result, count, size);
    result.transport = socket.io.engine?.transport?.name ?? name;
    result.total = performance.now() - started;
  } finally {
    clearInterval(timer);
    socket.disconnect();
  }
  // The browser reports finished requests a moment after they are finished.
  await new Promise((done) => setTimeout(done, 150));
  return result;
}

/** The server's greeting: how many bytes the head of this connection's first request had. */
function hello(socket) {
  return new Promise((done, fail) => {
    socket.once("hello", ({ head }) => done(head));
    socket.once("connect_error", fail);
  });
}

/** Task 1: one message at a time, each answered before the next one leaves. */
async function pingPong(socket, result, count, text) {
  for (let sent = 0; sent < count; sent += 1) {
    const left = performance.now();
    const back = await socket.timeout(ANSWER_WITHIN_MS).emitWithAck("echo", text);
    if (back !== text) throw new Error("the echo came back changed");
    result.latencies.push(performance.now() - left);
    result.messages += 2;
  }
}

/** Task 2: all at once; events keep their order, so the count asked for last is complete. */
async function sendAll(socket, result, count, text) {
  for (let sent = 0; sent < count; sent += 1) socket.emit("note", text);
  const noted = await socket.timeout(ANSWER_WITHIN_MS).emitWithAck("noted");
  if (noted !== count) throw new Error(`of ${count} messages ${noted} arrived`);
  result.messages += count + 2;
}

/** Task 3: the server sends. */
async function receiveAll(socket, result, count, size) {
  let received = 0;
  socket.on("tick", () => (received += 1));
  await socket.timeout(ANSWER_WITHIN_MS).emitWithAck("stream", count, size);
  if (received !== count) throw new Error(`of ${count} messages ${received} arrived`);
  result.messages += count + 2;
}

function say(words) {
  byId("status").textContent = words;
}

for (const id of ["count", "size"]) {
  byId(id).addEventListener("input", ({ target }) => {
    byId(`${id}-shown`).textContent = target.value;
  });
}

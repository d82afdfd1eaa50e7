// Acknowledgements both ways: contents, order, timeouts, late and missing answers.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TRANSPORTS, ack, ackAll, connect, connectMany, next, pause, request } from "./clients.mjs";
import { PATIENT, start } from "./server.mjs";

let server;
before(async () => {
  server = await start(PATIENT);
});
after(() => server.kill());

for (const transport of TRANSPORTS) {
  describe(`acknowledgements, ${transport.name}`, { concurrency: 4 }, () => {
    answersOfTheServer(transport);
    deadlinesOfTheClient(transport);
    answersOfTheClient(transport);
  });
}

function answersOfTheServer(transport) {
  const bodies = [[], [null], [1, "two", [3], { four: 4 }], ["Ответ 🦀"], [[], {}], [false, 0, ""]];

  test("an answer carries what it was given", async (t) => {
    const socket = await connect(t, server, { transport });
    for (const body of bodies) {
      assert.deepEqual(await ackAll(socket, "echo-ack", ...body), body);
    }
  });

  test("an answer carries binary", async (t) => {
    const socket = await connect(t, server, { transport });
    const body = [Buffer.from([1, 2, 3]), { deep: [Buffer.alloc(0), "text"] }];
    assert.deepEqual(await ackAll(socket, "echo-ack", ...body), body);
  });

  test("answers come when they are ready, not in the order of the questions", async (t) => {
    const socket = await connect(t, server, { transport });
    const order = [];
    await Promise.all([
      ack(socket, "late-ack", 400).then((value) => order.push(`slow ${value}`)),
      ack(socket, "late-ack", 50).then((value) => order.push(`quick ${value}`)),
      ack(socket, "echo-ack", "at once").then((value) => order.push(value)),
    ]);
    assert.deepEqual(order, ["at once", "quick late", "slow late"]);
  });

  test("each of three hundred questions gets its own answer", async (t) => {
    const socket = await connect(t, server, { transport });
    const numbers = Array.from({ length: 300 }, (_, i) => i);
    const answers = await Promise.all(numbers.map((i) => ack(socket, "echo-ack", i)));
    assert.deepEqual(answers, numbers);
  });

  test("the same question id in two namespaces is two questions", async (t) => {
    const main = await connect(t, server, { transport });
    const chat = main.io.socket("/chat");
    const greeting = next(chat, "welcome");
    chat.connect();
    await greeting;
    const answers = await Promise.all([
      ack(main, "echo-ack", "main"),
      ack(chat, "echo-ack", "chat"),
    ]);
    assert.deepEqual(answers, ["main", "chat"]);
  });

  test("an answer and an event of one handler keep their order", async (t) => {
    const socket = await connect(t, server, { transport });
    const order = [];
    socket.on("echo", () => order.push("event"));
    socket.emit("echo");
    await ack(socket, "echo-ack");
    order.push("answer");
    assert.deepEqual(order, ["event", "answer"]);
  });
}

function deadlinesOfTheClient(transport) {
  test("no answer: the client's timeout ends the wait, the connection goes on", async (t) => {
    const socket = await connect(t, server, { transport });
    await assert.rejects(socket.timeout(100).emitWithAck("no-ack"), /operation has timed out/);
    assert.equal(await ack(socket, "echo-ack", "on"), "on");
  });

  test("an answer after the timeout is dropped", async (t) => {
    const socket = await connect(t, server, { transport });
    let calls = 0;
    const first = new Promise((resolve) => {
      socket.timeout(50).emit("late-ack", 200, (error) => {
        calls += 1;
        resolve(error);
      });
    });
    assert.ok((await first) instanceof Error);
    await pause(300);
    assert.equal(await ack(socket, "echo-ack", "on"), "on");
    assert.equal(calls, 1);
  });

  test("leaving ends a wait", async (t) => {
    const socket = await connect(t, server, { transport });
    const waiting = assert.rejects(socket.timeout(8_000).emitWithAck("no-ack"), /disconnected/);
    socket.disconnect();
    await waiting;
  });
}

function answersOfTheClient(transport) {
  test("the server asks and hears the answer", async (t) => {
    const socket = await connect(t, server, { transport });
    socket.on("question", (a, b, cb) => cb(b, a, { and: ["more"] }));
    const answer = await request(socket, ["ask", 1, "два"], "answer");
    assert.deepEqual(answer, ["два", 1, { and: ["more"] }]);
  });

  test("an empty answer is an answer", async (t) => {
    const socket = await connect(t, server, { transport });
    socket.on("question", (cb) => cb());
    assert.deepEqual(await request(socket, ["ask"], "answer"), []);
  });

  test("question and answer carry binary", async (t) => {
    const socket = await connect(t, server, { transport });
    socket.on("question", (bytes, cb) => cb({ twice: Buffer.concat([bytes, bytes]) }, "text"));
    const answer = await request(socket, ["ask", Buffer.from([7, 0, 255])], "answer");
    assert.deepEqual(answer, [{ twice: Buffer.from([7, 0, 255, 7, 0, 255]) }, "text"]);
  });

  test("many open questions are told apart, whatever the order of the answers", async (t) => {
    const socket = await connect(t, server, { transport });
    const held = [];
    const all = new Promise((resolve) => {
      socket.on("question", (n, cb) => held.push(() => cb(n)) === 20 && resolve());
    });
    const heard = [];
    const done = new Promise((resolve) => {
      socket.on("answer", (n) => heard.push(n) === 20 && resolve());
    });
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    numbers.forEach((n) => socket.emit("ask", n));
    await all;
    held.reverse().forEach((answer) => answer());
    await done;
    assert.deepEqual(heard, numbers.reverse());
  });

  test("an answer may wait for an answer of the server", async (t) => {
    const socket = await connect(t, server, { transport });
    socket.on("question", async (n, cb) => cb(await ack(socket, "echo-ack", n + 1)));
    assert.deepEqual(await request(socket, ["ask", 1], "answer"), [2]);
  });

  test("the server's timeout tells whether an answer came", async (t) => {
    const socket = await connect(t, server, { transport });
    assert.deepEqual(await request(socket, ["ask-timeout", 100], "answer-timeout"), [true]);
    socket.on("question", (_, cb) => cb("in time"));
    assert.deepEqual(await request(socket, ["ask-timeout", 5_000], "answer-timeout"), [false]);
  });

  test("an answer after the server's timeout is dropped", async (t) => {
    const socket = await connect(t, server, { transport });
    const verdicts = [];
    socket.on("answer-timeout", (late) => verdicts.push(late));
    const question = next(socket, "question");
    socket.emit("ask-timeout", 100);
    const [, cb] = await question;
    await pause(250);
    cb("too late");
    assert.equal(await ack(socket, "echo-ack", "on"), "on");
    assert.deepEqual(verdicts, [true]);
  });

  test("who leaves with a question open does not disturb the others", async (t) => {
    const [asked, other] = await connectMany(t, server, 2, { transport });
    const question = next(asked, "question");
    asked.emit("ask", 1);
    await question;
    asked.disconnect();
    assert.equal(await ack(other, "echo-ack", "on"), "on");
  });
}

import assert from "node:assert/strict";
import { ack, next } from "../../clients.mjs";
import { greeted, join, refusal, row, said, urls } from "../subject.mjs";

row(["const io = new Server(httpServer, options)", "httpServer.listen(port)"], async (t) => {
  const [, greeting] = await greeted(t, "listen");
  assert.equal(greeting, "at a port of its own");
  const response = await fetch(`${urls.listen}/socket.io/?EIO=4&transport=polling`);
  assert.equal(JSON.parse((await response.text()).slice(1)).maxPayload, 1234);
});

row('io.of("/admin").on("connection", admin)', async (t) => {
  assert.equal((await greeted(t, "server", "/admin"))[1], "admin");
  assert.equal((await greeted(t, "server"))[1], "main");
});

row('io.of(/^\\/room-/).on("connection", room)', async (t) => {
  assert.equal((await greeted(t, "server", "/room-3"))[1], "room");
  assert.equal((await refusal(t, "server", "/rooms-3")).message, "Invalid namespace");
});

const USER = 'io.of(/^\\/user-(\\d+)$/).on("connection", user)';
const NEW = 'io.on("new_namespace", (namespace) => console.log(namespace.name))';
row([USER, NEW], async (t) => {
  assert.equal((await greeted(t, "server", "/user-17"))[1], 17);
  await said(/^\/user-17$/);
  assert.equal((await refusal(t, "server", "/user-x")).message, "Invalid namespace");
});

const UPPER =
  'io.of((name, auth, next) => next(null, name.startsWith("/up-"))).on("connection", upper)';
row(UPPER, async (t) => {
  assert.equal((await greeted(t, "server", "/up-side"))[1], "SIDE");
  assert.equal((await refusal(t, "server", "/down-side")).message, "Invalid namespace");
});

row("io.use(login)", async (t) => {
  const wrong = { name: "Ada", token: "public" };
  assert.equal((await refusal(t, "login", "/", { auth: wrong })).message, "unauthorized");
  const socket = await join(t, "login", "/", { auth: { name: "Ada", token: "secret" } });
  const said = next(socket, "said");
  socket.emit("say", "hello");
  assert.deepEqual(await said, ["Ada", "hello"]);
});

row("Refused::new: error.data, several guards", async (t) => {
  assert.deepEqual((await refusal(t, "login", "/closed")).data, { code: 401 });
  const auth = { name: "Ada", token: "secret" };
  assert.equal((await refusal(t, "login", "/both", { auth })).message, "too old");
  const query = { version: "2" };
  const wrong = { auth: { ...auth, token: "public" }, query };
  assert.equal((await refusal(t, "login", "/both", wrong)).message, "unauthorized");
  const socket = await join(t, "login", "/both", { auth, query });
  assert.equal(await ack(socket, "who"), "Ada");
});

row(["io.adapter(Adapter)", "const state = new State(), a variable of the module"], async (t) => {
  const [[one], [two]] = [await greeted(t, "server"), await greeted(t, "server")];
  assert.equal(await ack(one, "visit"), 1);
  assert.equal(await ack(two, "visit"), 2);
  const told = next(two, "told");
  one.emit("tell", "hello");
  assert.deepEqual(await told, ["hello"]);
});

row("what the compiler says", async (t) => {
  const [one, two] = [await join(t, "notes"), await join(t, "notes")];
  for (const number of [1, 2]) {
    const noted = next(two, "noted");
    one.emit("note", "Ada", "hello");
    assert.deepEqual(await noted, [number, "Ada", "hello"]);
    await said(new RegExp(`^note ${number}$`));
  }
});

row("a loop: variables of a connection", async (t) => {
  const [one, two] = [await join(t, "chat"), await join(t, "chat")];
  let said = next(two, "said");
  one.emit("say", "hello");
  assert.deepEqual(await said, ["somebody", "hello"]);
  one.emit("name", "Ada");
  said = next(two, "said");
  one.emit("say", "hello");
  assert.deepEqual(await said, ["Ada", "hello"]);
  assert.equal(await ack(one, "count"), 2);
});

row("errors as answers", async (t) => {
  const socket = await join(t, "answers");
  assert.deepEqual(await ack(socket, "divide", 4, 2), { value: 2 });
  assert.deepEqual(await ack(socket, "divide", 4, 0), { error: "division by zero" });
});

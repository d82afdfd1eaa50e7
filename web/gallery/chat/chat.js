// The chat's client. It asks with "join", "say" and "typing"; the server tells with "rooms",
// "people", "message" and "typing". Each question is answered by an acknowledgement
// { ok: true, … } or { ok: false, reason }.

import { watchConnection } from "/shared/badge.js";
import { transportOptions } from "/shared/connection.js";
import { byId, el } from "/shared/dom.js";
import { createTalk } from "./talk.js";

const TYPING_EVERY_MS = 2000; // how often "still typing" is told
const TYPING_LASTS_MS = 4000; // how long it is believed
const ANSWER_WITHIN_MS = 5000;

const socket = io("/chat", transportOptions());
watchConnection(socket);

const talk = createTalk(byId("log"));
const typists = new Map(); // id -> { name, until }
let place = null; // { name, room } once inside
let toldTyping = 0;

// Entering a room, and entering it again after the line was lost.

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  join(byId("name").value, byId("room").value);
});

async function join(name, room) {
  const answer = await ask("join", { name, room });
  if (!answer.ok) return;
  place = { name: answer.name, room: answer.room };
  remember("rialto.name", answer.name);
  byId("room-title").textContent = `Room ${answer.room}`;
  byId("room").value = answer.room;
  byId("enter").textContent = "Change";
  byId("inside").hidden = false;
  talk.replace(answer.history, socket.id);
  showPeople(answer.people);
  byId("text").focus();
}

socket.on("connect", () => {
  showOnline(true);
  if (place) join(place.name, place.room);
});

socket.on("disconnect", () => {
  showOnline(false);
  if (place) talk.note("You are offline. Trying to come back …");
});

// What the server tells.

socket.on("message", (message) => {
  typists.delete(message.from);
  showTyping();
  talk.add(message, socket.id);
});

socket.on("people", showPeople);

socket.on("typing", ({ id, name, on }) => {
  if (on) typists.set(id, { name, until: Date.now() + TYPING_LASTS_MS });
  else typists.delete(id);
  showTyping();
});

socket.on("rooms", (rooms) => {
  const buttons = rooms.map(({ room, people }) => {
    const open = el("button", { type: "button", class: "quiet" }, `${room} · ${people}`);
    open.addEventListener("click", () => {
      byId("room").value = room;
      byId("join").requestSubmit();
    });
    return open;
  });
  byId("rooms").replaceChildren(...(buttons.length ? buttons : ["None yet: yours is the first."]));
});

// Speaking.

byId("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const box = byId("text");
  const text = box.value;
  if (!text.trim()) return;
  box.value = "";
  toldTyping = 0;
  const answer = await ask("say", text);
  // A refused message goes back into the box, so that nothing typed is lost.
  if (!answer.ok && box.value === "") box.value = text;
  box.focus();
});

byId("text").addEventListener("input", ({ target }) => {
  const now = Date.now();
  const on = target.value !== "";
  if (on && now - toldTyping < TYPING_EVERY_MS) return;
  toldTyping = on ? now : 0;
  socket.emit("typing", on);
});

/** Asks the server; a refusal, or no answer in time, is shown in words. */
async function ask(event, argument) {
  let answer;
  try {
    answer = await socket.timeout(ANSWER_WITHIN_MS).emitWithAck(event, argument);
  } catch {
    answer = { ok: false, reason: "the server did not answer: is the line up?" };
  }
  byId("notice").textContent = answer.ok ? "" : `Not done: ${answer.reason}.`;
  return answer;
}

function showPeople(people) {
  for (const id of typists.keys()) {
    if (!people.some((person) => person.id === id)) typists.delete(id);
  }
  showTyping();
  const items = people.map(({ id, name }) =>
    el("li", { class: talk.hue(name) }, id === socket.id ? `${name} (you)` : name),
  );
  byId("people").replaceChildren(...items);
  byId("people-title").textContent = `Here now: ${people.length}`;
}

function showTyping() {
  const names = [...typists.values()].map(({ name }) => name);
  const words =
    names.length === 0 ? "" : names.length === 1 ? `${names[0]} is typing …`
    : `${names.slice(0, 3).join(", ")} are typing …`;
  if (byId("typing").textContent !== words) byId("typing").textContent = words;
}

setInterval(() => {
  for (const [id, { until }] of typists) if (until < Date.now()) typists.delete(id);
  showTyping();
}, 500);

function showOnline(online) {
  for (const id of ["enter", "send", "text"]) byId(id).disabled = !online;
}

function remember(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key) ?? "";
    localStorage.setItem(key, value);
  } catch {
    // storage may be blocked: then the name is asked for again
  }
  return value ?? "";
}

byId("name").value = remember("rialto.name");
byId("room").value = new URLSearchParams(location.search).get("room") ?? "lobby";
showOnline(false);

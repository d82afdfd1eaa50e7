// The whiteboard's client. A line is begun with "begin" (acknowledged) and grows by "points"
// (binary: x and y as 16-bit numbers). The server sends "board" on connecting, then "stroke",
// "points", "erase", "cleared" and "people" about the others.

import { watchConnection } from "/shared/badge.js";
import { transportOptions } from "/shared/connection.js";
import { byId } from "/shared/dom.js";
import { Board } from "./board.js";
import { readKeyboard, readPointer } from "./input.js";
import { createTools } from "./tools.js";

const SEND_EVERY_MS = 40; // so a fast hand costs 25 small messages a second
const POINTS_MAX = 5000; // of one stroke; a longer line goes on as a new stroke
const ANSWER_WITHIN_MS = 5000;

const board = new Board(byId("board"));
const tools = createTools(board);
const socket = io("/whiteboard", transportOptions());
watchConnection(socket);

const own = []; // ids of our strokes on the board, oldest first
const unanswered = new Set(); // ids of those that the server has not taken in yet
let drawing = null; // { id, number, sent } while a line is being drawn
let nextNumber = 0;
let people = 0;

// What the server tells.

socket.on("board", (picture) => {
  drawing = null;
  own.length = 0; // after a lost line we are somebody new: the old lines stay, without undo
  unanswered.clear();
  board.load(picture.strokes, picture.points);
  people = picture.people;
  showFacts();
});

socket.on("stroke", ({ id, colour, width, points }) => {
  board.begin(id, colour, width);
  board.extend(id, 0, points);
  showFacts();
});

// `at` says where in the stroke these points belong, so a point that the picture of a latecomer
// held already is not drawn twice.
socket.on("points", (id, at, points) => board.extend(id, at, points));

socket.on("erase", (id) => {
  forget(id);
  showFacts();
});

// A line that the server has not answered yet comes after the clearing there, so it stays here.
socket.on("cleared", () => {
  board.clear(unanswered);
  own.splice(0, own.length, ...own.filter((id) => unanswered.has(id)));
  if (!unanswered.has(drawing?.id)) drawing = null;
  showFacts();
});

socket.on("people", (count) => {
  people = count;
  showFacts();
});

socket.on("refused", ({ reason }) => tools.complain(reason));
socket.on("disconnect", () => {
  stop();
  showFacts();
});

// Drawing: each point appears here at once and is sent with the next bundle.

function start(x, y) {
  if (!socket.connected) return tools.complain("there is no connection");
  const number = nextNumber++;
  const id = `${socket.id}/${number}`;
  const { colour, width } = tools.pen();
  board.begin(id, colour, width);
  board.add(id, x, y);
  own.push(id);
  drawing = { id, number, sent: 1 };
  unanswered.add(id);
  tell("begin", [number, colour, width, board.bytes(id, 0)], (answer) => {
    unanswered.delete(id);
    if (!answer.ok) forget(id);
    showFacts();
  });
}

function move(x, y) {
  if (!drawing) return;
  board.add(drawing.id, x, y);
  if (board.size(drawing.id) < POINTS_MAX) return;
  stop();
  start(x, y);
}

function stop() {
  send();
  drawing = null;
  showFacts();
}

function send() {
  if (!drawing || !socket.connected) return;
  const size = board.size(drawing.id);
  if (size === drawing.sent) return;
  socket.emit("points", drawing.number, board.bytes(drawing.id, drawing.sent));
  drawing.sent = size;
}

setInterval(send, SEND_EVERY_MS);
readPointer(byId("board"), { start, move, stop });
readKeyboard(byId("board"), board, { start, move, stop, undo });

// Undo and clear.

function undo() {
  stop();
  if (own.length) tell("undo");
}

byId("undo").addEventListener("click", undo);
byId("clear").addEventListener("click", () => byId("sure").showModal());
byId("sure").addEventListener("close", () => {
  if (byId("sure").returnValue === "yes") tell("clear");
  byId("sure").returnValue = "";
});

/**
 * Asks the server; a refusal, or no answer in time, is shown in words. `done` runs before the next
 * event is read, which a promise of the answer would not.
 */
function tell(event, args = [], done = () => {}) {
  socket.timeout(ANSWER_WITHIN_MS).emit(event, ...args, (error, reply) => {
    const answer = error ? { ok: false, reason: "the server did not answer" } : reply;
    tools.complain(answer.ok ? "" : answer.reason);
    done(answer);
  });
}

function forget(id) {
  board.erase(id);
  const at = own.indexOf(id);
  if (at >= 0) own.splice(at, 1);
  if (drawing?.id === id) drawing = null;
}

function showFacts() {
  byId("undo").disabled = own.length === 0 || !socket.connected;
  byId("clear").disabled = !socket.connected;
  const lines = board.count();
  const words = `${people} here, ${lines} ${lines === 1 ? "line" : "lines"}`;
  byId("facts").textContent = socket.connected ? words : "offline";
}

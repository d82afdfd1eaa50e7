// The talk of one room as it is shown: own messages to the right, each person in one colour,
// comings and goings between them. Bounded, and it follows the newest line only when asked to.

import { clockTime, el } from "/shared/dom.js";

const SHOWN_MAX = 400;
const HUES = 6;

export function createTalk(log) {
  function append(node) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    log.append(node);
    while (log.childElementCount > SHOWN_MAX) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function note(text) {
    append(el("p", { class: "event" }, text));
  }

  function add(message, ownId) {
    if (message.kind === "text") append(said(message, message.from === ownId));
    else note(`${message.name} ${message.kind === "joined" ? "came in" : "left"}`);
  }

  function replace(history, ownId) {
    log.replaceChildren();
    for (const message of history) add(message, ownId);
    log.scrollTop = log.scrollHeight;
  }

  return { add, note, replace, hue };
}

function said({ name, text, at }, mine) {
  const time = new Date(at);
  return el(
    "article",
    { class: mine ? "said mine" : "said" },
    el(
      "header",
      {},
      el("b", { class: hue(name) }, name),
      el("time", { datetime: time.toISOString() }, clockTime(time)),
    ),
    el("p", {}, text),
  );
}

/** The same colour for the same name on every screen and on every visit. */
function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 10_007;
  return `hue-${sum % HUES}`;
}

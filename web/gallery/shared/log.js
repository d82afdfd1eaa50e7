// A log that people and screen readers can follow: newest line last, a bounded number of lines,
// and no jump while somebody reads further up.

import { clockTime, el } from "./dom.js";

const MARKS = {
  in: ["↓", "received"],
  out: ["↑", "sent"],
  time: ["◷", "server time"],
  info: ["·", "note"],
  error: ["!", "error"],
};

/** `element` has role="log" in the page; `limit` is the number of lines kept. */
export function createLog(element, limit = 200) {
  function add(kind, text, detail = "") {
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    const [mark, word] = MARKS[kind];
    const line = el(
      "p",
      { class: "line", "data-kind": kind },
      el("time", {}, clockTime(Date.now())),
      el("span", { class: "mark", "aria-hidden": "true" }, mark),
      el("span", { class: "hide" }, `${word}: `),
      el("span", { class: "what" }, text),
    );
    if (detail) line.append(el("span", { class: "detail" }, detail));
    element.append(line);
    while (element.childElementCount > limit) element.firstElementChild.remove();
    if (atEnd) element.scrollTop = element.scrollHeight;
  }
  return { add, clear: () => element.replaceChildren() };
}

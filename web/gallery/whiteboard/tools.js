// Colour and width of the pen, and the line in which refusals appear.

import { byId, el } from "/shared/dom.js";

/** The eight names that the server accepts. */
const COLOURS = ["ink", "red", "orange", "green", "teal", "blue", "violet", "pink"];

export function createTools(board) {
  const labels = COLOURS.map((colour, index) => {
    const choice = el("input", {
      type: "radio", name: "colour", value: colour, checked: index === 0,
    });
    const name = el("b", { class: "hide" }, colour);
    return el("label", { class: `pen pen-${colour}`, title: colour }, choice, el("span"), name);
  });
  byId("pens").append(...labels);

  // The style sheet knows each colour for light and for dark; the canvas asks it.
  function readShades() {
    const shades = labels.map((label, index) => [COLOURS[index], getComputedStyle(label).color]);
    board.setShades(Object.fromEntries(shades));
  }
  document.addEventListener("themechange", readShades);
  readShades();

  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("width").addEventListener("input", ({ target }) => {
    byId("width-shown").textContent = target.value;
  });

  return {
    pen: () => ({
      colour: byId("tools").elements.colour.value,
      width: Number(byId("width").value),
    }),
    complain(reason) {
      byId("notice").textContent = reason ? `Not done: ${reason}.` : "";
    },
  };
}

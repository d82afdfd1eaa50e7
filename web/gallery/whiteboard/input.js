// Pointer and keyboard as one kind of hand: start(x, y), move(x, y), stop(), in board units.

import { byId } from "/shared/dom.js";
import { HEIGHT, WIDTH } from "./board.js";

const STEP = 10;
const LARGE_STEP = 50;
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

export function readPointer(canvas, { start, move, stop }) {
  let active = null;
  const place = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [
      ((event.clientX - left) / width) * WIDTH,
      ((event.clientY - top) / height) * HEIGHT,
    ];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (active !== null || event.button !== 0) return;
    active = event.pointerId;
    canvas.setPointerCapture(active);
    start(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== active) return;
    // The browser bundles moves into frames; the bundle holds the finer curve.
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const each of moves.length ? moves : [event]) move(...place(each));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== active) return;
      active = null;
      stop();
    });
  }
}

export function readKeyboard(canvas, board, hand) {
  const at = { x: WIDTH / 2, y: HEIGHT / 2, down: false, shade: "" };

  function show() {
    at.shade = getComputedStyle(canvas).color;
    board.setCursor({ ...at });
  }

  function say() {
    byId("spoken").textContent = `pen ${at.down ? "down" : "up"} at ${at.x}, ${at.y}`;
  }

  function lift() {
    if (at.down) hand.stop();
    at.down = false;
  }

  function steer([dx, dy], large) {
    const step = large ? LARGE_STEP : STEP;
    at.x = Math.max(0, Math.min(WIDTH, at.x + dx * step));
    at.y = Math.max(0, Math.min(HEIGHT, at.y + dy * step));
    if (at.down) hand.move(at.x, at.y);
  }

  function press(event) {
    if (event.key in ARROWS) return steer(ARROWS[event.key], event.shiftKey);
    if (event.key === " " || event.key === "Enter") {
      if (at.down) return lift();
      at.down = true;
      return hand.start(at.x, at.y);
    }
    lift();
    return hand.undo();
  }

  canvas.addEventListener("keydown", (event) => {
    const undo = event.key === "z" && (event.ctrlKey || event.metaKey);
    if (!(event.key in ARROWS) && event.key !== " " && event.key !== "Enter" && !undo) return;
    event.preventDefault();
    press(event);
    show();
    say();
  });
  // The cross appears for keyboards only: a pointer shows its own place.
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && show());
  canvas.addEventListener("blur", () => {
    lift();
    board.setCursor(null);
  });
  canvas.addEventListener("pointerdown", () => {
    lift();
    board.setCursor(null);
  });
}

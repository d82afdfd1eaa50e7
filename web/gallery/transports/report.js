// The numbers of the three lanes as bars and as a table; the table says everything, the bars are
// for the eye.

import { bytes, el } from "/shared/dom.js";

const NAMES = { polling: "Polling", websocket: "WebSocket", upgrade: "Upgrade" };
/** The status line and headers with which a server accepts a WebSocket, about. */
const SWITCH_HEAD = 130;

const ROWS = [
  ["ended on", (seen) => NAMES[seen.transport] ?? "…"],
  ["messages, both ways", (seen) => seen.messages],
  ["HTTP requests", (seen) => seen.requests],
  ["WebSocket frames", (seen) => seen.frames],
  ["bytes up", (seen) => bytes(seen.up)],
  ["bytes down", (seen) => bytes(seen.down)],
  ["bytes per message", (seen) => Math.round(seen.bytes / seen.messages)],
  ["median round trip", (seen) => milliseconds(seen.median)],
  ["95 of 100 within", (seen) => milliseconds(seen.slow)],
  ["all the work", (seen) => (seen.total ? milliseconds(seen.total) : "…")],
];

const CHARTS = {
  requests: (value) => String(value),
  bytes,
  median: milliseconds,
};

export function createReport(lanes) {
  const cells = buildTable(lanes);
  const bars = Object.keys(CHARTS).map((key) => [key, buildBars(key, lanes)]);
  let results = {};

  function show(name, result, finished) {
    const seen = sum(result);
    if (seen.messages === 0) return;
    results[name] = seen;
    ROWS.forEach(([, value], row) => (cells[name][row].textContent = value(seen)));
    for (const [key, lane] of bars) drawBars(key, lane, results);
    cells[name][0].closest("table").toggleAttribute("aria-busy", !finished);
  }

  function clear() {
    results = {};
    for (const name of lanes) for (const cell of cells[name]) cell.textContent = "…";
    for (const [key, lane] of bars) drawBars(key, lane, results);
  }

  clear();
  return { show, clear };
}

/** What the counters and the heads come to. */
function sum({ counters, head, messages, latencies, transport, total }) {
  const requests = counters.requests + counters.handshakes;
  const up = counters.up + requests * head;
  const down = counters.down + counters.handshakes * SWITCH_HEAD;
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return {
    requests, up, down, messages, transport, total,
    frames: counters.frames, bytes: up + down, median: at(0.5) ?? 0, slow: at(0.95) ?? 0,
  };
}

function buildTable(lanes) {
  const cells = Object.fromEntries(lanes.map((name) => [name, []]));
  for (const [title] of ROWS) {
    const row = el("tr", {}, el("th", { scope: "row" }, title));
    for (const name of lanes) {
      const cell = el("td", { "data-lane": name, "data-row": title }, "…");
      cells[name].push(cell);
      row.append(cell);
    }
    document.getElementById("rows").append(row);
  }
  return cells;
}

function buildBars(key, lanes) {
  const holder = document.querySelector(`[data-chart="${key}"]`);
  return Object.fromEntries(
    lanes.map((name) => {
      const value = el("b", {}, "…");
      const fill = el("i");
      holder.append(
        el(
          "div",
          { class: name },
          el("p", { class: "head" }, el("span", {}, NAMES[name]), value),
          el("div", { class: "track", "aria-hidden": "true" }, fill),
        ),
      );
      return [name, { value, fill }];
    }),
  );
}

function drawBars(key, lane, results) {
  const largest = Math.max(1e-9, ...Object.values(results).map((seen) => seen[key]));
  for (const [name, { value, fill }] of Object.entries(lane)) {
    const seen = results[name];
    value.textContent = seen ? CHARTS[key](seen[key]) : "…";
    fill.style.width = seen ? `${(seen[key] / largest) * 100}%` : "0";
  }
}

function milliseconds(value) {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

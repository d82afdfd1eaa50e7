// Launches headless Chromium for tests, and `rialto serve` when no address is given.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5_000;
const WAIT_MS = 10_000;
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(import.meta.dirname, "../../target");

/** Every page of the gallery; the front page is "". */
export const PAGES = [
  "", "clock", "welcome", "echo", "events", "chat", "whiteboard", "transports",
];

/** Why these tests cannot run, or false: the reference server has no gallery. */
export const SKIP =
  process.env.SUBJECT === "reference" && !process.env.GALLERY_URL && "the reference has no gallery";

/**
 * Where the gallery is, and how to end it. `GALLERY_URL` names one that runs already; otherwise
 * `rialto serve --port 0` is started (RIALTO_BIN, else target/debug/rialto) and says its address.
 * Only loopback addresses are taken: these tests make traffic.
 */
export async function startGallery() {
  const given = process.env.GALLERY_URL;
  if (given) {
    const { hostname, origin } = new URL(given);
    if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) {
      throw new Error(`GALLERY_URL must be a loopback address, not ${hostname}`);
    }
    return { base: origin, stop: async () => {} };
  }
  const binary = process.env.RIALTO_BIN ?? path.join(TARGET, "debug/rialto");
  const child = spawn(binary, ["serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    return { base: await readAddress(child), stop: () => stop(child) };
  } catch (problem) {
    await stop(child);
    throw problem;
  }
}

function readAddress(child) {
  return new Promise((done, fail) => {
    const give = (problem) => {
      clearTimeout(late);
      fail(problem);
    };
    const late = setTimeout(() => give(new Error("rialto did not start in time")), START_WITHIN_MS);
    child.once("error", give);
    child.once("exit", (code) => give(new Error(`rialto ended at once with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(line);
      if (!found) return;
      clearTimeout(late);
      done(found[1]);
    });
  });
}

async function stop(child) {
  const started = child.pid !== undefined;
  if (!started || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const forced = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await ended;
  clearTimeout(forced);
}

/**
 * One browser for all tests of a file. Every name except loopback's is mapped to nothing, so a
 * page that asks for anything from elsewhere cannot get it unnoticed.
 */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
  });
}

/**
 * A page in a context of its own, and what went wrong in it: console errors, uncaught exceptions,
 * requests that left the origin. `allow` is for the errors that a test provokes on purpose,
 * `path` the page; all else are options of the context.
 */
async function openPage(browser, base, { path: at, allow, ...contextOptions }) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...contextOptions });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const errors = [];
  page.on("pageerror", (error) => errors.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" || allow?.test(message.text())) return;
    errors.push(`console: ${message.text()}`);
  });
  const { host } = new URL(base);
  const watch = (address) => {
    if (/^(data|blob):/.test(address) || new URL(address).host === host) return;
    errors.push(`left the origin: ${address}`);
  };
  page.on("request", (request) => watch(request.url()));
  page.on("websocket", (socket) => watch(socket.url()));
  const response = await page.goto(base + at);
  return { page, context, errors, response };
}

/**
 * Gallery and browser for one test file. `visit(t, path, options)` opens a page that is closed at
 * the end of its test, which fails when anything went wrong in the page.
 */
export function gallery({ before, after }) {
  const place = {};
  before(async () => {
    if (SKIP) return;
    Object.assign(place, await startGallery());
    place.browser = await startBrowser();
  });
  after(async () => {
    await place.browser?.close();
    await place.stop?.();
  });
  place.visit = async (t, at, options = {}) => {
    const opened = await openPage(place.browser, place.base, { path: at, ...options });
    t.after(async () => {
      await opened.context.close();
      assert.deepEqual(opened.errors, [], `errors in ${at}`);
    });
    return opened;
  };
  return place;
}

/** Waits until `#id` (or any selector) holds text that matches; fails with what it held last. */
export async function shows(page, selector, pattern, withinMs = WAIT_MS) {
  const place = page.locator(selector);
  const until = performance.now() + withinMs;
  let held = "";
  while (performance.now() < until) {
    held = (await place.allTextContents()).join("\n");
    if (pattern.test(held)) return held;
    await new Promise((done) => setTimeout(done, 25));
  }
  return assert.fail(`${selector} never showed ${pattern}, last: ${JSON.stringify(held)}`);
}

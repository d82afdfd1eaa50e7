// Starts the contract server under test as a process of its own.
//
// SUBJECT=rialto (default): the binary in CONTRACT_SERVER, else target/debug/contract-server.
// SUBJECT=reference: Node's own packages (reference.mjs), the yardstick.

import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";

/** Which server is under test: `rialto` or `reference`. */
export const SUBJECT = process.env.SUBJECT ?? "rialto";

const START_MS = 10_000;
const EXIT_MS = 5_000;
const HERE = import.meta.dirname;
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(HERE, "../../target");
const CONTRACT_SERVER =
  process.env.CONTRACT_SERVER ?? path.join(TARGET, "debug/contract-server");

/**
 * What the two subjects do differently on purpose: `pick({ reference, rialto })`.
 * Each use says why they differ.
 */
export function pick(bySubject) {
  return bySubject[SUBJECT];
}

/** Flags of parts that have tests of their own, or none yet. */
const BASE_FLAGS = { eio3: "off", recovery: "off", deflate: "off" };

/**
 * Flags for tests that are not about deadlines: heartbeats fall between the messages of every
 * test, and no deadline runs out on a machine that has other things to do.
 */
export const PATIENT = { pingInterval: 200, pingTimeout: 20_000, connectTimeout: 20_000 };

/** Every server this process has started and not yet ended. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

/**
 * Starts the subject on a free port. `flags` are the contract's, in camel case:
 * `{ pingInterval: 200 }` is `--ping-interval 200`.
 *
 * Gives back `{ url, port, kill(signal), restart(signal) }`; `url` and `port` stay the same across
 * `restart`. `kill` resolves to `{ code, signal, ms }` once the process has ended.
 */
export async function start(flags = {}) {
  const server = { child: null, port: 0, url: "" };
  const launch = async () => {
    const args = commandLine({ ...BASE_FLAGS, ...flags, port: server.port });
    [server.child, server.url] = await listen(args);
    server.port = Number(new URL(server.url).port);
  };
  server.kill = (signal = "SIGKILL") => end(server.child, signal);
  server.restart = async (signal) => {
    await server.kill(signal);
    await launch();
  };
  await launch();
  return server;
}

/** Starts another program under test; gives back `{ url, port, kill(signal) }` as `start` does. */
export async function launch(name, args = []) {
  return run([program(name), ...args]);
}

/**
 * As `launch`, of a command line. Of `options`, `cwd` is the folder it runs in, and `heard(line)`
 * gets each line of its output and of its errors.
 */
export async function run(commandLine, options) {
  const [child, url] = await listen(commandLine, options);
  const kill = (signal = "SIGKILL") => end(child, signal);
  return { url, port: Number(new URL(url).port), kill, signal: (name) => child.kill(name) };
}

/** The path of another program under test, which is built with the server and lies beside it. */
export function program(name) {
  return path.join(path.dirname(CONTRACT_SERVER), name);
}

function commandLine(flags) {
  const args = Object.entries(flags).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  switch (SUBJECT) {
    case "reference":
      return [process.execPath, path.join(HERE, "reference.mjs"), ...args];
    case "rialto":
      return [CONTRACT_SERVER, ...args];
    default:
      throw new Error(`unknown SUBJECT ${SUBJECT}: it is rialto or reference`);
  }
}

/** Starts the program and waits for the line in which it says its address. */
async function listen([program, ...args], { cwd, heard } = {}) {
  const stdio = ["ignore", "pipe", heard ? "pipe" : "inherit"];
  const child = spawn(program, args, { cwd, stdio });
  if (heard) {
    createInterface(child.stderr).on("line", heard);
    child.stderr.unref?.();
  }
  running.add(child);
  child.once("exit", () => running.delete(child));
  // The pipe alone does not keep a finished test file alive.
  child.unref();
  child.stdout.unref?.();
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} did not listen`)), START_MS);
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`${program}: ${why}`));
    };
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal} before listening`));
    createInterface(child.stdout).on("line", (line) => {
      heard?.(line);
      const found = /listening on (https?:\/\/[\d.]+:\d+)/.exec(line);
      if (found) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    });
  });
  return [child, url];
}

/** Sends the signal and waits for the end; a process that outstays its time is killed. */
function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode, ms: 0 });
  }
  const began = performance.now();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
    child.once("exit", (code, by) => {
      clearTimeout(timer);
      resolve({ code, signal: by, ms: performance.now() - began });
    });
    child.kill(signal);
  });
}

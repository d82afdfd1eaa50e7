// Starts the programs with the page's lines, and has the tests of rows.

import path from "node:path";
import { after, test } from "node:test";
import { client, DEADLINE_MS, eventually, next } from "../clients.mjs";
import { program, run, SUBJECT } from "../server.mjs";

const HERE = import.meta.dirname;

/** What the subject has printed. */
const printed = [];
let begun = 0;
let read = 0;

const COMMANDS = {
  reference: [process.execPath, path.join(HERE, "reference/main.mjs")],
  rialto: [program("migrate-server")],
};
const heard = (line) => printed.push(line);
export const subject = await run(COMMANDS[SUBJECT], { cwd: HERE, heard });
after(() => subject.kill());

/** The servers' addresses by their names. */
export const urls = await (await fetch(`${subject.url}/servers`)).json();

/** The names of the rows that have a test. */
export const tested = new Set();

/** A test of one row, or of a few that belong together; a name is the row's first cell. */
export function row(names, run, options = {}) {
  names = [names].flat();
  names.forEach((name) => tested.add(name));
  test(names.join("  ·  "), { timeout: 3 * DEADLINE_MS, ...options }, async (t) => {
    begun = printed.length;
    read = begun;
    await run(t);
  });
}

/** The next line that the subject prints in this test and that matches. */
export async function said(pattern) {
  const find = () => {
    const index = printed.findIndex((line, at) => at >= read && pattern.test(line));
    read = index < 0 ? read : index + 1;
    return index < 0 ? null : printed[index];
  };
  try {
    return await eventually(find);
  } catch {
    throw new Error(`nothing like ${pattern} in ${JSON.stringify(printedHere())}`);
  }
}

/** All that it has printed in this test. */
export const printedHere = () => printed.slice(begun);

/** A client of a server that has joined a namespace. */
export async function join(t, server, nsp = "/", options = {}) {
  const socket = client(t, { url: urls[server] }, { nsp, ...options });
  const joined = next(socket, "connect");
  const refused = new Promise((_resolve, reject) => socket.once("connect_error", reject));
  refused.catch(() => {});
  socket.connect();
  await Promise.race([joined, refused]);
  joined.catch(() => {});
  return socket;
}

/** As `join`, for a server that says something at once; gives back what, too. */
export async function greeted(t, server, nsp = "/", options = {}) {
  const socket = client(t, { url: urls[server] }, { nsp, ...options });
  const welcome = next(socket, "welcome");
  socket.connect();
  const [greeting] = await welcome;
  return [socket, greeting];
}

/** Why a client is refused. */
export async function refusal(t, server, nsp = "/", options = {}) {
  const socket = client(t, { url: urls[server] }, { nsp, ...options });
  const refused = next(socket, "connect_error");
  socket.connect();
  const [error] = await refused;
  return error;
}

/** The same connection's socket in another namespace, which has the table `one`. */
export async function neighbour(t, socket) {
  const other = socket.io.socket("/one-0");
  t.after(() => other.close());
  const joined = next(other, "connect");
  other.connect();
  await joined;
  return other;
}

let opened = 0;

/** So many clients in a new namespace with that table. */
export function inTable(t, table, count = 1) {
  opened += 1;
  const nsp = `/${table}-${opened}`;
  return Promise.all(Array.from({ length: count }, () => join(t, "tables", nsp)));
}

// Every row of docs/migrate.md runs: its line of Node in the programs of migrate/reference, its line
// of Rust in interop/migrate-server, and the same test asks either for the same outcome.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./migrate/rows/server.mjs";
import "./migrate/rows/listeners.mjs";
import "./migrate/rows/one-client.mjs";
import "./migrate/rows/everyone.mjs";
import "./migrate/rows/options.mjs";
import "./migrate/rows/raw.mjs";
import "./migrate/rows/routes.mjs";
import "./migrate/rows/stopping.mjs";
import { blocks, holds, rows } from "./migrate/page.mjs";
import { tested } from "./migrate/subject.mjs";

/** What is tested beside the rows: the page's blocks and sentences. */
const BESIDE = [
  "Refused::new: error.data, several guards",
  "a loop: variables of a connection",
  "errors as answers",
  "what the compiler says",
];

test("every row of the page has a test, and every test a row", () => {
  const names = rows().map(({ name }) => name);
  assert.ok(names.length > 150, `${names.length} rows`);
  assert.deepEqual(names.filter((name) => !tested.has(name)), [], "rows without a test");
  const known = new Set([...names, ...BESIDE]);
  assert.deepEqual([...tested].filter((name) => !known.has(name)), [], "tests without a row");
  assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), [], "rows of one name");
});

test("the programs hold every line of the page", () => {
  for (const language of ["node", "rust"]) {
    const missing = rows().filter((row) => !holds(language, row[language]));
    assert.deepEqual(missing.map((row) => row[language] ?? row.name), [], language);
  }
  assert.ok(blocks().length >= 3);
  assert.deepEqual(blocks().filter((block) => !holds("rust", block)), []);
});

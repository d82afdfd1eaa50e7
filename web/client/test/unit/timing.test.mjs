// Heartbeat and backoff, with clocks and chance in the hand of the test.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Backoff } from "../../src/backoff.js";
import { Heartbeat } from "../../src/engine/heartbeat.js";

/** Replaces both clocks and the timers. `sleep` moves the wall clock alone, as a lid does. */
function fakeTime(t) {
  mock.timers.enable({ apis: ["setTimeout"] });
  let wall = 1_000_000;
  let steady = 0;
  mock.method(Date, "now", () => wall);
  mock.method(performance, "now", () => steady);
  t.after(() => {
    mock.timers.reset();
    mock.restoreAll();
  });
  return {
    pass(ms) {
      for (let i = 0; i < ms; i += 100) {
        wall += 100;
        steady += 100;
        mock.timers.tick(100);
      }
    },
    sleep: (ms) => (wall += ms),
    setClock: (ms) => (wall += ms),
  };
}

test("expires after the period without a beat, once", (t) => {
  const time = fakeTime(t);
  let expired = 0;
  const heartbeat = new Heartbeat(45_000, () => expired++);
  time.pass(40_000);
  heartbeat.beat();
  time.pass(44_900);
  assert.equal(expired, 0);
  assert.equal(heartbeat.expired, false);
  time.pass(100);
  assert.equal(expired, 1);
  time.pass(100_000);
  assert.equal(expired, 1);
});

test("stop() ends it", (t) => {
  const time = fakeTime(t);
  let expired = 0;
  new Heartbeat(1000, () => expired++).stop();
  time.pass(5000);
  assert.equal(expired, 0);
});

test("after a sleep it is known at once, and told within seconds", (t) => {
  const time = fakeTime(t);
  let expired = 0;
  const heartbeat = new Heartbeat(45_000, () => expired++);
  time.sleep(3_600_000);
  assert.equal(heartbeat.expired, true);
  time.pass(5000);
  assert.equal(expired, 1);
});

test("a clock that is set back does not keep a dead connection alive", (t) => {
  const time = fakeTime(t);
  let expired = 0;
  new Heartbeat(45_000, () => expired++);
  time.setClock(-3_600_000);
  time.pass(45_000);
  assert.equal(expired, 1);
});

test("waits double up to the longest, spread around their middle", () => {
  const waits = (jitter, random) => {
    const backoff = new Backoff({ min: 1000, max: 5000, jitter }, () => random);
    return Array.from({ length: 5 }, () => backoff.next());
  };
  assert.deepEqual(waits(0, 0.9), [1000, 2000, 4000, 5000, 5000]);
  assert.deepEqual(waits(0.5, 0), [500, 1000, 2000, 2500, 2500]);
  assert.deepEqual(waits(0.5, 0.5), [1000, 2000, 4000, 5000, 5000]);
  assert.deepEqual(waits(0.5, 0.999999), [1500, 3000, 5000, 5000, 5000]);
});

test("attempts count from one, reset begins anew, and never an overflow", () => {
  const backoff = new Backoff({ min: 1000, max: 5000, jitter: 0 });
  for (let i = 0; i < 5000; i++) assert.ok(Number.isFinite(backoff.next()));
  assert.equal(backoff.attempts, 5000);
  backoff.reset();
  assert.equal(backoff.next(), 1000);
  assert.equal(backoff.attempts, 1);
});

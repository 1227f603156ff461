import assert from "node:assert/strict";
import { test } from "node:test";
import { bend, gains, mix } from "../../../src/malgwi/console/static/transcript/mix.js";

const strip = (/** @type {object} */ more = {}) => ({ volume: 1, muted: false, solo: false, ...more });

test("who is solo is heard alone, and mute silences even them", () => {
  assert.deepEqual([...gains([strip(), strip({ volume: 0.5 })])], [1, 0.5]);
  assert.deepEqual([...gains([strip(), strip({ solo: true }), strip()])], [0, 1, 0]);
  assert.deepEqual([...gains([strip({ solo: true, muted: true }), strip()])], [0, 0]);
});

test("channels are added at their loudness, from the sample that is asked for", () => {
  const channels = [Int16Array.of(1, 2, 3, 4), Int16Array.of(100, 200, 300, 400)];
  const out = new Float32Array(3);
  const loud = Float32Array.of(1, 0.5);

  mix(channels, 2, 2, loud, loud, out, 1);

  assert.deepEqual([...out.map((each) => each * 32768)], [0, 153, 204]);
});

test("a change of loudness is a straight line", () => {
  const out = new Float32Array(4);

  mix([Int16Array.of(1000, 1000, 1000, 1000)], 0, 4, Float32Array.of(0), Float32Array.of(1), out);

  assert.deepEqual([...out.map((each) => Math.round(each * 32768))], [0, 250, 500, 750]);
});

test("sixteen at once are never louder than a loudspeaker can be", () => {
  const channels = Array.from({ length: 16 }, () => Int16Array.of(32767, -32768, 100));
  const out = new Float32Array(3);
  const loud = new Float32Array(16).fill(1);

  mix(channels, 0, 3, loud, loud, out);
  const quiet = out[2];
  bend(out);

  assert.ok(Math.max(...out.map(Math.abs)) <= 1);
  assert.equal(out[2], quiet);
});

test("sixteen channels cost less than a twentieth of the time that they last", () => {
  const seconds = 60;
  const channels = Array.from({ length: 16 }, () => new Int16Array(16000 * seconds).fill(99));
  const loud = new Float32Array(16).fill(0.7);
  const began = performance.now();

  for (let at = 0; at < 16000 * seconds; at += 640) {
    const out = new Float32Array(640);
    mix(channels, at, 640, loud, loud, out);
    bend(out);
  }

  assert.ok(performance.now() - began < 0.05 * seconds * 1000);
});

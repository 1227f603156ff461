import assert from "node:assert/strict";
import { test } from "node:test";
import { HOP, hop, placeAt } from "../../../src/malgwi/console/static/transcript/stretch.js";
import { RATE, pitch, random, sine } from "./sounds.mjs";

/** @param {Float32Array} samples @returns {import("../../../src/malgwi/console/static/transcript/stretch.js").Read} */
function reader(samples) {
  return (position, count) => {
    const out = new Float32Array(count);
    for (let i = Math.max(0, -position); i < count && position + i < samples.length; i++) out[i] = samples[position + i];
    return out;
  };
}

/** @param {Float32Array} samples @param {number} rate */
function stretched(samples, rate) {
  const hops = Math.ceil(samples.length / rate / HOP);
  const out = new Float32Array(hops * HOP);
  const read = reader(samples);
  let place = placeAt(0);
  for (let at = 0; at < out.length; at += HOP) place = hop(place, rate, read, read, out.subarray(at, at + HOP));
  return { out, place };
}

for (const rate of [0.5, 1.5, 2, 3]) {
  test(`a tone keeps its pitch and takes its time at ${rate}`, () => {
    const { out, place } = stretched(sine(440, 4), rate);

    const inner = out.subarray(RATE / 10, out.length - RATE / 10);
    assert.ok(Math.abs(pitch(inner) - 440) < 1, `${pitch(inner)} Hz`);
    assert.ok(Math.abs(out.length - (4 * RATE) / rate) <= HOP);
    assert.ok(Math.abs(place.follow - place.ideal - HOP * (1 - rate)) <= 500);
  });

  test(`a tone has no gap and no click at ${rate}`, () => {
    const { out } = stretched(sine(440, 2), rate);

    const steepest = 0.5 * 2 * Math.PI * (440 / RATE);
    for (let i = HOP; i < out.length - 2 * HOP; i++) assert.ok(Math.abs(out[i] - out[i - 1]) < steepest * 1.25, `at ${i}`);
  });
}

test("at its own speed it is the same, sample for sample", () => {
  const next = random(7);
  const noise = Float32Array.from({ length: RATE }, () => next() - 0.5);

  assert.deepEqual(stretched(noise, 1).out.subarray(0, RATE - HOP), noise.subarray(0, RATE - HOP));
});

test("a second of sound is stretched in far less than a second", () => {
  const tone = sine(220, 10);
  const began = performance.now();

  stretched(tone, 0.5);

  assert.ok(performance.now() - began < 0.2 * 20_000);
});

test("a change of what is heard fades over one hop", () => {
  const [loud, silent] = [reader(new Float32Array(RATE).fill(0.5)), reader(new Float32Array(RATE))];
  const out = new Float32Array(HOP);

  hop(placeAt(1000), 1, loud, silent, out);

  assert.ok(out[0] > 0.49 && out[HOP - 1] < 0.01);
  for (let i = 1; i < HOP; i++) assert.ok(out[i] <= out[i - 1] + 1e-6);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { KIND, density, moment, panned, pixel, runs, ticks, within, zoomed } from "../../../src/malgwi/console/static/transcript/axis.js";
import { FLAG } from "../../../src/malgwi/console/static/transcript/outline.js";
import { outline } from "./outlines.mjs";
import { random } from "./sounds.mjs";

test("a view never leaves the recording", () => {
  assert.deepEqual(within({ from: -5, to: 5 }, 100), { from: 0, to: 10 });
  assert.deepEqual(within({ from: 95, to: 105 }, 100), { from: 90, to: 100 });
  assert.deepEqual(within({ from: -50, to: 500 }, 100), { from: 0, to: 100 });
  assert.deepEqual(panned({ from: 10, to: 20 }, 1000, 100), { from: 90, to: 100 });
});

test("what is under the pointer stays there while one zooms", () => {
  const view = { from: 10, to: 30 };
  const closer = zoomed(view, 0.5, 15, 100);

  assert.equal(pixel(closer, 800, 15), pixel(view, 800, 15));
  assert.equal(closer.to - closer.from, 10);
  assert.equal(moment(closer, 800, pixel(closer, 800, 12.5)), 12.5);
});

test("one can zoom in to two seconds and out to all of it", () => {
  const near = zoomed({ from: 50, to: 54 }, 0.001, 51, 100);
  assert.ok(Math.abs(near.to - near.from - 2) < 1e-9);
  assert.deepEqual(zoomed({ from: 50, to: 54 }, 1000, 51, 100), { from: 0, to: 100 });
});

test("the lines of the axis stand at whole times of the clock that is shown", () => {
  assert.deepEqual(ticks({ from: 3, to: 34 }, 310, 90), { step: 10, times: [10, 20, 30] });
  const wall = ticks({ from: 0, to: 31 }, 310, 90, 12 * 3600 + 7);
  assert.deepEqual(wall.times.map((each) => each + 7), [10, 20, 30]);
});

test("what is out of view is not drawn, what reaches into it is", () => {
  const all = outline([[0, 0, 35], [0, 1, 2, FLAG.low], [0, 40, 41], [1, 40, 41], [0, 90, 91]], 2, 100);

  const found = runs(all, all.lanes[0], { from: 30, to: 60 }, 300, () => 0);

  assert.deepEqual(found.map((each) => Math.round(each.left)), [-300, 100]);
});

test("kinds and colours are never drawn as one", () => {
  const all = outline([[0, 1, 2], [0, 2, 3, FLAG.low], [0, 3, 4, FLAG.duplicate], [0, 4, 5, FLAG.suppressed], [0, 5, 6, 0, 1], [0, 6, 7]], 1, 100);

  const found = runs(all, all.lanes[0], { from: 0, to: 100 }, 100, (at) => all.speaker[at] + 1);

  assert.deepEqual(found.map((each) => each.kind), [KIND.plain, KIND.low, KIND.duplicate, KIND.suppressed, KIND.plain, KIND.plain]);
  assert.deepEqual(found.slice(-2).map((each) => each.colour), [2, 0]);
});

test("twenty thousand utterances are no more blocks than pixels, found in a moment", () => {
  const next = random(1);
  let at = 0;
  const said = Array.from({ length: 20_000 }, () => {
    at += next() * 0.6;
    return /** @type {[number, number, number]} */ ([0, at, at + next()]);
  });
  const all = outline(said, 1, at + 1);
  const began = performance.now();

  const found = runs(all, all.lanes[0], { from: 0, to: all.duration }, 1000, () => 0);

  assert.ok(performance.now() - began < 50);
  assert.ok(found.length <= 1000);
});

test("the overview is as dense as what is said", () => {
  const all = outline([[0, 0, 25], [0, 30, 40, FLAG.suppressed], [0, 50, 75]], 1, 100);

  assert.deepEqual([...density(all, all.lanes[0], 4)], [1, 0, 1, 0]);
});

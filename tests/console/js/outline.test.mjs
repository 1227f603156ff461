import assert from "node:assert/strict";
import { test } from "node:test";
import { outline } from "./outlines.mjs";

const all = outline([[0, 0, 60], [1, 1, 3, 0, 1], [0, 2, 4], [1, 10, 12]], 2, 100);

test("what is being said is found on every channel, also long ones that began before", () => {
  assert.deepEqual(all.saying(2.5), [0, 1, 2]);
  assert.deepEqual(all.saying(5), [0]);
  assert.deepEqual(all.saying(3), [0, 2]);
  assert.deepEqual(all.saying(80), []);
});

test("a moment belongs to the last that began", () => {
  assert.deepEqual([-1, 0, 1.5, 99].map((time) => all.at(time)), [-1, 0, 1, 3]);
});

test("speakers and ids are found by position and back", () => {
  assert.equal(all.speakerOf(1), "Lee");
  assert.equal(all.speakerOf(0), "");
  assert.equal(all.positionOf.get("u2"), 2);
});

test("who speaks is what is shown only where it is known of most of what is said", () => {
  assert.equal(all.mostAreNamed, false);
  assert.equal(outline([[0, 0, 1, 0, 0], [1, 1, 2, 0, 1], [0, 2, 3]], 2, 9).mostAreNamed, true);
});

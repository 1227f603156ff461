import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../../../src/malgwi/console/static/transcript/outline.js";
import { Heights, rowsOf } from "../../../src/malgwi/console/static/transcript/rows.js";
import { random } from "./sounds.mjs";

test("each row begins where those above it end, however often one is measured", () => {
  const next = random(2);
  const plain = Array.from({ length: 1001 }, () => 20 + Math.floor(next() * 100));
  const heights = new Heights(plain);
  for (let n = 0; n < 500; n++) {
    const row = Math.floor(next() * plain.length);
    plain[row] = Math.floor(next() * 300) + 1;
    heights.set(row, plain[row]);
  }

  let top = 0;
  plain.forEach((height, row) => {
    assert.equal(heights.top(row), top);
    assert.equal(heights.at(top), row);
    assert.equal(heights.at(top + height - 0.5), row);
    top += height;
  });
  assert.equal(heights.total, top);
});

test("outside of the list is its first or its last row", () => {
  const heights = new Heights([10, 10, 10]);

  assert.deepEqual([heights.at(-50), heights.at(30), heights.at(1e9)], [0, 2, 2]);
  assert.equal(new Heights([]).at(5), 0);
});

test("what is not shown is one line where it follows each other", () => {
  const flags = Uint8Array.of(0, FLAG.duplicate, FLAG.suppressed, 0, FLAG.duplicate);

  const { rows, rowOf } = rowsOf(flags, 0, new Set());

  assert.deepEqual(rows.map((row) => [row.first, row.count, row.folded]), [[0, 1, false], [1, 2, true], [3, 1, false], [4, 1, true]]);
  assert.deepEqual([...rowOf], [0, 1, 1, 2, 3]);
});

test("duplicates and suppressed lines are shown when somebody asks for them", () => {
  const flags = Uint8Array.of(FLAG.duplicate, FLAG.suppressed);

  assert.deepEqual(rowsOf(flags, FLAG.duplicate, new Set()).rows.map((row) => row.folded), [false, true]);
  assert.deepEqual(rowsOf(flags, 0, new Set([1])).rows.map((row) => row.folded), [true, false]);
});

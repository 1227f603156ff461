import assert from "node:assert/strict";
import { test } from "node:test";
import { marked } from "../../../src/malgwi/console/static/transcript/marks.js";

const told = (/** @type {string[]} */ words, /** @type {[number, number][]} */ parts) =>
  marked(words, parts).map((bits) => bits.map((bit) => (bit.marked ? `[${bit.text}]` : bit.text)).join(""));

test("a hit is marked in and over words, counted without the first space", () => {
  assert.deepEqual(told([" the", " north", " gate"], [[4, 9]]), ["the", "[north]", "gate"]);
  assert.deepEqual(told([" the", " north", " gate"], [[6, 12]]), ["the", "no[rth]", "[ga]te"]);
});

test("letters beyond the sixteen bits count as one", () => {
  assert.deepEqual(told([" 😀😀", " 북문에서"], [[3, 5]]), ["😀😀", "[북문]에서"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { diff, merge } from "../../../src/malgwi/console/static/transcript/diff.js";
import { random } from "./sounds.mjs";

const told = (/** @type {string} */ before, /** @type {string} */ after) =>
  diff(before, after).map(({ kind, text }) => `${{ same: "=", gone: "-", new: "+" }[kind]}${text.trim()}`);

test("what is other is told word by word", () => {
  assert.deepEqual(told("meet at the gate now", "meet at the north gate"), ["=meet at the", "+north", "=gate", "-now"]);
  assert.deepEqual(told("북문에서 만나자", "북문에서 만납시다"), ["=북문에서", "-만나자", "+만납시다"]);
  assert.deepEqual(told("", "all new"), ["+all new"]);
  assert.deepEqual(told("same", "same"), ["=same"]);
});

test("both texts can be read out of what is told, whatever they are", () => {
  const next = random(5);
  const text = () => Array.from({ length: Math.floor(next() * 12) }, () => "abcd"[Math.floor(next() * 4)]).join(" ");
  for (let n = 0; n < 300; n++) {
    const [before, after] = [text(), text()];
    const parts = diff(before, after);
    const without = (/** @type {string} */ kind) => parts.filter((each) => each.kind !== kind).map((each) => each.text.trim()).join(" ").replace(/\s+/g, " ").trim();
    assert.equal(without("new"), before);
    assert.equal(without("gone"), after);
  }
});

test("what two people changed at different places is put together", () => {
  assert.equal(merge("we meet at gate nine", "we meet at gate five", "they meet at gate nine"), "they meet at gate five");
  assert.equal(merge("a b c", "a x c", "a x c"), "a x c");
  assert.equal(merge("a b c", "a b c", "a c"), "a c");
});

test("what two people changed at the same place is left to them", () => {
  assert.equal(merge("meet at nine", "meet at five", "meet at ten"), null);
  assert.equal(merge("a b", "a b c", "a b d"), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { steps } from "../../../src/malgwi/console/static/transcript/rules.js";

test("a change is told in whole words, each upon what the one before left", () => {
  const changes = [
    { rule: "names", start: 6, end: 8, before: "e-", after: "i" },
    { rule: "numbers", start: 2, end: 10, before: "noisiest", after: "loud" },
  ];

  assert.deepEqual(steps("😀 noise-est here", changes), [
    { rule: "names", before: "noise-est", after: "noisiest" },
    { rule: "numbers", before: "noisiest", after: "loud" },
  ]);
});

test("what was taken away or put in is told as well", () => {
  assert.deepEqual(steps("a b", [{ rule: "r", start: 1, end: 3, before: " b", after: "" }]), [{ rule: "r", before: "a b", after: "a" }]);
  assert.deepEqual(steps("", [{ rule: "r", start: 0, end: 0, before: "", after: "new" }]), [{ rule: "r", before: "", after: "new" }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, merged } from "../../../src/malgwi/console/static/glossary/merging.js";
import { entryAt, yamlOf } from "../../../src/malgwi/console/static/glossary/yaml.js";

const entry = (written, ...spoken) => ({ id: written, written, spoken });
const A = entry("a", "x");
const B = entry("b", "y");
const C = entry("c", "z");

test("what each of two people changed is in the merged glossary", () => {
  const mine = [{ ...A, spoken: ["x", "mine"] }, B, { written: "new", spoken: ["n"] }];
  const theirs = [A, { ...B, written: "B!" }, C];

  const { entries, both } = merged([A, B], mine, theirs);

  assert.deepEqual(entries, [mine[0], theirs[1], mine[2], C]);
  assert.deepEqual(both, []);
});

test("what both changed is mine, and theirs is told", () => {
  const [mine, theirs] = [entry("a", "mine"), entry("a", "theirs")];

  const { entries, both } = merged([A], [mine], [theirs]);

  assert.deepEqual(entries, [mine]);
  assert.deepEqual(both, [{ kind: "changed", before: A, after: theirs }]);
});

test("what one removed and the other left alone is gone; what the other changed stays", () => {
  assert.deepEqual(merged([A, B], [A, B], [A]).entries, [A]);
  assert.deepEqual(merged([A, B], [A], [A, B]).entries, [A]);
  const changed = entry("b", "other");
  assert.deepEqual(merged([A, B], [A, changed], [A]).entries, [A, changed]);
  assert.equal(merged([A, B], [A], [A, changed]).both.length, 1);
});

test("both adding the same entry is one entry", () => {
  assert.deepEqual(merged([], [{ written: "a", spoken: ["x"] }], [A]).entries.length, 1);
});

test("the order of entries is no difference", () => {
  assert.deepEqual(differences([A, B], [B, A]), []);
});

test("the text knows on which line each entry begins", () => {
  const { text, lines } = yamlOf([A, { ...B, match: "word", case_sensitive: true }, C]);

  assert.deepEqual(lines, [1, 3, 7]);
  assert.equal(text.split("\n")[6], "- written: c");
  assert.deepEqual([1, 2, 3, 6, 7, 9].map((line) => entryAt(lines, line)), [0, 0, 1, 1, 2, 2]);
});

test("what could be taken for something else is quoted", () => {
  const { text } = yamlOf([{ written: "a: #b", spoken: ["-", "북 문", 'say "x"', "[a]", ""] }]);

  assert.equal(text, '- written: "a: #b"\n  spoken: ["-", 북 문, "say \\"x\\"", "[a]", ""]\n');
});

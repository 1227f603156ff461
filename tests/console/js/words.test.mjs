import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { KEYS, wordsIn } from "../../../src/malgwi/console/static/transcript/words.js";

const folder = new URL("../../../src/malgwi/console/static/transcript/", import.meta.url);
const source = readdirSync(folder)
  .filter((name) => name.endsWith(".js") && name !== "words.js")
  .map((name) => readFileSync(new URL(name, folder), "utf8"))
  .join("\n");

test("every word that is said is in the catalogue, and none is there for nothing", () => {
  const said = [...source.matchAll(/\bsay\(\s*"([\w-]+)"/g)].map(([, key]) => key);
  assert.deepEqual(said.filter((key) => !KEYS.includes(key)), []);
  const quoted = new Set([...source.matchAll(/"([\w-]+)"/g)].map(([, key]) => key));
  const made = /^(by|kind|format)-/; // put together where they are said
  assert.deepEqual(KEYS.filter((key) => !quoted.has(key) && !made.test(key)), []);
});

test("words take values, and one is not many", () => {
  assert.equal(wordsIn("en")("n-duplicates", { n: 1 }), "1 duplicate");
  assert.equal(wordsIn("en-GB")("n-duplicates", { n: 2 }), "2 duplicates");
  assert.equal(wordsIn("ko")("n-duplicates", { n: 2 }), "중복 2개");
});

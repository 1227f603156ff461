import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { said } from "../../../src/malgwi/console/static/reasons.js";

const file = new URL("../../../src/malgwi/console/static/reasons.json", import.meta.url);
const table = JSON.parse(readFileSync(file, "utf8"));

test("a sentence is said in Korean with the names that are in it, whatever those are", () => {
  for (const name of ["roger.wav", "<b>x</b>.wav", "{file} $1 $&.wav", "a\nb.wav"]) {
    const korean = `파일 ${name}: 내용이 없습니다. 다시 녹음하거나 복사하세요.`;
    assert.equal(said(table, `${name} is empty. Record or copy it again.`), korean);
  }
});

test("a reason within a reason is said in Korean as well", () => {
  const english = "The field 'name' cannot be used: String should have at least 1 character.";
  assert.equal(said(table, english), "이름: 비워 둘 수 없습니다.");
});

test("a type that means one thing outdoes the sentence, where all of it is known", () => {
  const stale = { type: "urn:malgwi:problem:stale", revision: 7 };
  assert.match(said(table, "Anything.", stale), /지금은 7판입니다/);
  assert.equal(said(table, "Anything.", { ...stale, revision: null }), "Anything.");
});

test("what nobody has put into Korean is told in English", () => {
  assert.equal(said(table, "The moon is full."), "The moon is full.");
  assert.equal(said(table, "", { type: "about:blank" }), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf, spoken } from "../../../src/malgwi/console/static/transcript/clock.js";

test("times are written as people read them", () => {
  assert.deepEqual([0, 9.99, 75, 3723.5].map((each) => spoken(each)), ["00:00", "00:09", "01:15", "1:02:03"]);
  assert.deepEqual([0.26, 59.99, 3599.95].map((each) => spoken(each, 1)), ["00:00.2", "00:59.9", "59:59.9"]);
});

test("a link to a moment is read, and nonsense is no moment", () => {
  assert.equal(momentOf("#t=123.4"), 123.4);
  assert.equal(momentOf("#x=1&t=1:02:03"), 3723);
  for (const hash of ["", "#t=", "#t=abc", "#t=1.2.3", "#tt=4"]) assert.equal(momentOf(hash), null);
});

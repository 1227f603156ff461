import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, filtersOf, local, momentOf, viewOf, withoutFilters } from "../../../src/malgwi/console/static/search/view.js";

test("an address says what is looked for, and nothing else", () => {
  const view = viewOf("?q=북문 -%26&channel=3&order=time&nonsense=1");

  assert.equal(view.q, "북문 -&");
  assert.equal(addressOf(view), "/search?q=%EB%B6%81%EB%AC%B8+-%26&channel=3&order=time");
  assert.deepEqual(viewOf(addressOf(view).slice("/search".length)), view);
  assert.equal(addressOf(viewOf("")), "/search");
});

test("what makes no sense in an address is left out", () => {
  const view = viewOf("?q=a&channel=x&since=yesterday&order=none");

  assert.equal(addressOf(view), "/search?q=a");
});

test("a moment goes through a field and comes back", () => {
  const moment = momentOf("2026-03-01T09:30");

  assert.equal(local(moment), "2026-03-01T09:30");
  assert.equal(local(""), "");
});

test("without filters the words and the order stay", () => {
  const view = withoutFilters(viewOf("?q=a&label=b&order=time"));

  assert.equal(addressOf(view), "/search?q=a&order=time");
  assert.equal(filtersOf(view), 0);
});

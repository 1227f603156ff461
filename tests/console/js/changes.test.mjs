import assert from "node:assert/strict";
import { test } from "node:test";
import { Changes } from "../../../src/malgwi/console/static/transcript/changes.js";

test("undo goes back one by one, and redo the same way forward", () => {
  const changes = new Changes(1);
  changes.did(2);
  changes.did(3);

  assert.equal(changes.before, 2);
  changes.undone();
  assert.equal(changes.before, 1);
  assert.equal(changes.after, 3);
  changes.undone();
  assert.equal(changes.before, undefined);
  changes.redone();
  assert.equal(changes.after, 3);
});

test("what changed nothing is nothing to undo", () => {
  const changes = new Changes(2);
  changes.did(2);

  assert.equal(changes.before, 1);
});

test("who changes something after an undo cannot redo what was there", () => {
  const changes = new Changes(3);
  changes.undone();
  changes.did(5);

  assert.equal(changes.after, undefined);
  assert.equal(changes.before, 2);
});

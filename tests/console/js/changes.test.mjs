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

test("after a reload undo goes on where it was, unless somebody changed something since", () => {
  const changes = new Changes(3);
  changes.undone(); // revision 4 says what 2 said
  const kept = changes.kept(4);

  const reloaded = Changes.again(4, kept);
  assert.equal(reloaded.before, 1);
  assert.equal(reloaded.after, 3);
  assert.equal(Changes.again(5, kept).before, 4);
  assert.equal(Changes.again(4, null).before, 3);
});

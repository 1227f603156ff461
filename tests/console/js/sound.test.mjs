import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { PIECE, RATE, Sound } from "../../../src/malgwi/console/static/transcript/sound.js";

/** A WAV of silence. @param {number} frames @param {number} channels */
function silence(frames, channels) {
  const bytes = Buffer.alloc(44 + frames * channels * 2);
  bytes.write("RIFF", 0).toString();
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(frames * channels * 2, 40);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

/** @param {Sound} sound @param {number} index */
async function until(sound, index) {
  while (!sound.piece(index)) await once(sound, "piece");
}

test("what is heard next is fetched, and nothing twice", async () => {
  const asked = [];
  const sound = new Sound(async (start) => (asked.push(start), silence(PIECE, 2)), 100);

  sound.want(2);
  for (const each of [2, 3, 4, 5]) await until(sound, each);
  sound.want(2);

  assert.deepEqual(asked.sort((one, other) => one - other), [10, 15, 20, 25]);
  assert.equal(sound.piece(2)?.channels.length, 2);
});

test("who goes elsewhere does not wait for what was asked before", async () => {
  const stopped = [];
  const fetch = (/** @type {number} */ start, /** @type {number} */ _, /** @type {AbortSignal} */ signal) =>
    start >= 50
      ? Promise.resolve(silence(PIECE, 1))
      : new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            stopped.push(start);
            reject(signal.reason);
          }),
        );
  const sound = new Sound(/** @type {any} */ (fetch), 100);
  sound.want(0);

  sound.want(10);
  await until(sound, 10);

  assert.deepEqual(stopped, [0, 5]);
});

test("it keeps no more than it may, and forgets first what was heard longest ago", async () => {
  const size = PIECE * 2;
  const sound = new Sound(async () => silence(PIECE, 1), 1000, 5 * size);
  for (const at of [0, 20, 40]) {
    sound.want(at);
    await until(sound, at + 3);
  }

  const kept = Array.from({ length: 60 }, (_, each) => each).filter((each) => sound.piece(each));
  assert.deepEqual(kept, [23, 40, 41, 42, 43]);
});

test("a connection that fails is tried again", async () => {
  let failures = 0;
  const sound = new Sound(async () => {
    if (failures++ === 0) throw new Error("gone");
    return silence(PIECE, 1);
  }, 5);
  sound.want(0);
  await once(sound, "failed");

  await until(sound, 0);

  assert.equal(failures, 2);
});

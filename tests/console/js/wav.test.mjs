import assert from "node:assert/strict";
import { test } from "node:test";
import { readWav } from "../../../src/malgwi/console/static/transcript/wav.js";

/** @param {number[]} samples @param {number} channels @param {number[]} [extra] a chunk before */
function wav(samples, channels, extra = []) {
  const head = new DataView(new ArrayBuffer(36));
  const write = (/** @type {number} */ at, /** @type {string} */ tag) => [...tag].forEach((each, i) => head.setUint8(at + i, each.charCodeAt(0)));
  write(0, "RIFF");
  write(8, "WAVE");
  write(12, "fmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, channels, true);
  head.setUint32(24, 16000, true);
  head.setUint16(34, 16, true);
  const data = new Uint8Array(Int16Array.from(samples).buffer);
  const size = [...new Uint8Array(Uint32Array.of(data.length).buffer)];
  const chunk = extra.length ? [...Buffer.from("LIST"), extra.length, 0, 0, 0, ...extra] : [];
  return Uint8Array.from([...new Uint8Array(head.buffer), ...chunk, ...Buffer.from("data"), ...size, ...data]).buffer;
}

test("samples come apart by channel, whatever chunks there are before", () => {
  for (const extra of [[], [1, 2, 3, 4]]) {
    const read = readWav(wav([1, -1, 2, -2, 3, -3], 2, extra));
    assert.equal(read.rate, 16000);
    assert.deepEqual(read.channels, [Int16Array.of(1, 2, 3), Int16Array.of(-1, -2, -3)]);
  }
});

test("what is no WAV is refused", () => {
  assert.throws(() => readWav(new ArrayBuffer(100)));
  assert.throws(() => readWav(new TextEncoder().encode("{}").buffer));
});

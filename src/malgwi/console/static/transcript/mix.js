/** Many channels become what is heard. No clock, no page and no state in it. */

/** @typedef {{volume: number, muted: boolean, solo: boolean}} Strip what is set for a channel */

const FULL = 1 / 32768;
const KNEE = 0.8;

/**
 * How loud each channel is heard, from 0. Where any is solo only those are heard, unless muted.
 * @param {Strip[]} strips
 * @returns {Float32Array}
 */
export function gains(strips) {
  const alone = strips.some((each) => each.solo);
  const heard = (/** @type {Strip} */ each) => !each.muted && (!alone || each.solo);
  return Float32Array.from(strips, (each) => (heard(each) ? each.volume : 0));
}

/**
 * Adds `count` samples of each channel to `out`, from the loudness `from` to the loudness `to` in
 * a straight line, so that no change is a click.
 * @param {Int16Array[]} channels
 * @param {number} offset of the first sample in the channels
 * @param {number} count
 * @param {Float32Array} from one a channel
 * @param {Float32Array} to
 * @param {Float32Array} out
 * @param {number} [at] where in `out`
 */
export function mix(channels, offset, count, from, to, out, at = 0) {
  for (let channel = 0; channel < channels.length; channel++) {
    const first = from[channel] * FULL;
    const last = to[channel] * FULL;
    if (first === 0 && last === 0) continue;
    const samples = channels[channel];
    const step = (last - first) / count;
    for (let i = 0, gain = first; i < count; i++, gain += step) {
      out[at + i] += samples[offset + i] * gain;
    }
  }
}

/**
 * Bends what is louder than a loudspeaker can be: sixteen people at once are loud, not torn.
 * @param {Float32Array} samples changed in place
 */
export function bend(samples) {
  for (let i = 0; i < samples.length; i++) {
    const loud = Math.abs(samples[i]);
    if (loud > KNEE) {
      const bent = KNEE + (1 - KNEE) * Math.tanh((loud - KNEE) / (1 - KNEE));
      samples[i] = samples[i] < 0 ? -bent : bent;
    }
  }
}

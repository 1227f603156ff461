/** Sound to test with. */

export const RATE = 16000;

/** @param {number} hertz @param {number} seconds */
export function sine(hertz, seconds) {
  const step = (2 * Math.PI * hertz) / RATE;
  return Float32Array.from({ length: seconds * RATE }, (_, i) => 0.5 * Math.sin(i * step));
}

/** The pitch, by how often it comes up through zero. @param {Float32Array} samples */
export function pitch(samples) {
  const rises = [];
  for (let i = 1; i < samples.length; i++) {
    if (samples[i - 1] < 0 && samples[i] >= 0) {
      rises.push(i - 1 + samples[i - 1] / (samples[i - 1] - samples[i]));
    }
  }
  return ((rises.length - 1) * RATE) / (rises.at(-1) - rises[0]);
}

/** @param {number} seed @returns {() => number} the same numbers at every run, from 0 to 1 */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

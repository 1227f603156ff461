/**
 * Speech faster or slower at the pitch that it has: WSOLA, after W. Verhelst and M. Roelands, "An
 * overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale
 * modification of speech", ICASSP 1993.
 *
 * A hop of output fades from what would follow the last hop to the place near where the clock is
 * that looks most like it. The state is two positions, so a hop can be made again at any time.
 * No clock and no page in it.
 */

export const HOP = 320;
/** Samples of output at once: 20 ms at 16 kHz. */

export const REACH = 128;
/** How far a hop may lie from where the clock is: a period of the deepest voice between both ends. */

/**
 * @typedef {{ideal: number, follow: number}} Place where the clock is, and what would follow the
 *     last hop; in samples
 * @typedef {(position: number, count: number) => Float32Array} Read samples of any place; silence
 *     outside
 */

const RISE = Float32Array.from({ length: HOP }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * i) / HOP));

/** @param {number} sample @returns {Place} */
export function placeAt(sample) {
  return { ideal: sample, follow: Math.round(sample) };
}

/**
 * The next hop. At rate 1 it is what stands there, sample for sample.
 * @param {Place} place
 * @param {number} rate 0.5 to 3
 * @param {Read} old as it was heard up to now
 * @param {Read} read as it is to be heard from now on
 * @param {Float32Array} out of HOP samples
 * @returns {Place} of the hop after it
 */
export function hop(place, rate, old, read, out) {
  const before = old(place.follow, HOP);
  const chosen = rate === 1 ? place.follow : alike(before, place, read);
  const after = chosen === place.follow && old === read ? before : read(chosen, HOP);
  for (let i = 0; i < HOP; i++) out[i] = before[i] + (after[i] - before[i]) * RISE[i];
  const follow = chosen + HOP;
  return { ideal: rate === 1 ? follow : place.ideal + HOP * rate, follow };
}

/**
 * @param {Float32Array} wanted
 * @param {Place} place
 * @param {Read} read
 */
function alike(wanted, place, read) {
  const first = Math.round(place.ideal) - REACH;
  const near = read(first, HOP + 2 * REACH);
  let energy = 0;
  for (let i = 0; i < HOP; i++) energy += near[i] * near[i];
  let best = REACH;
  let most = -Infinity;
  for (let lag = 0; lag <= 2 * REACH; lag++) {
    let sum = 0;
    for (let i = 0; i < HOP; i++) sum += wanted[i] * near[lag + i];
    const likeness = sum / Math.sqrt(Math.max(energy, 1e-9));
    if (likeness > most) [most, best] = [likeness, lag];
    energy += near[lag + HOP] * near[lag + HOP] - near[lag] * near[lag];
  }
  return first + best;
}

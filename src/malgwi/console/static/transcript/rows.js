/** The mathematics of the list: which rows there are, how high, and where. Pure. */

import { FLAG } from "./outline.js";

/** Heights of many rows, and where each begins: a Fenwick tree, so that all is of order log n. */
export class Heights {
  /** @param {ArrayLike<number>} heights */
  constructor(heights) {
    this.count = heights.length;
    this.heights = Float64Array.from(heights);
    this.sums = new Float64Array(this.count + 1);
    for (let at = 1; at <= this.count; at++) {
      this.sums[at] += this.heights[at - 1];
      const above = at + (at & -at);
      if (above <= this.count) this.sums[above] += this.sums[at];
    }
  }

  /** @param {number} row @param {number} height @returns {number} by how much it is other */
  set(row, height) {
    const change = height - this.heights[row];
    this.heights[row] = height;
    for (let at = row + 1; at <= this.count; at += at & -at) this.sums[at] += change;
    return change;
  }

  /** Where a row begins; the end for the row after the last. @param {number} row */
  top(row) {
    let sum = 0;
    for (let at = Math.min(row, this.count); at > 0; at -= at & -at) sum += this.sums[at];
    return sum;
  }

  get total() {
    return this.top(this.count);
  }

  /** The row that is there; the nearest one outside. @param {number} y */
  at(y) {
    let row = 0;
    let left = y;
    for (let step = 2 ** Math.floor(Math.log2(this.count || 1)); step; step >>= 1) {
      if (row + step <= this.count && this.sums[row + step] <= left) {
        row += step;
        left -= this.sums[row];
      }
    }
    return Math.min(row, Math.max(0, this.count - 1));
  }
}

/** @typedef {{first: number, count: number, folded: boolean}} Row one utterance, or several folded */

/**
 * The rows of a transcript: utterances that are not to be shown become one line where they follow
 * each other.
 * @param {Uint8Array} flags of the utterances
 * @param {number} shown flags of what is shown in full though it is a duplicate or suppressed
 * @param {Set<number>} opened positions that are shown in full though folded
 * @returns {{rows: Row[], rowOf: Uint32Array}}
 */
export function rowsOf(flags, shown, opened) {
  const hidden = (FLAG.duplicate | FLAG.suppressed) & ~shown;
  /** @type {Row[]} */
  const rows = [];
  const rowOf = new Uint32Array(flags.length);
  for (let position = 0; position < flags.length; position++) {
    const folded = (flags[position] & hidden) !== 0 && !opened.has(position);
    const last = rows.at(-1);
    if (folded && last?.folded) last.count++;
    else rows.push({ first: position, count: 1, folded });
    rowOf[position] = rows.length - 1;
  }
  return { rows, rowOf };
}

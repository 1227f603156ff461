/** The mathematics of the timeline: what is in view, where it is, and what to draw. Pure. */

import { FLAG, beyond } from "./outline.js";

/** @typedef {{from: number, to: number}} View seconds of the recording */
/** @typedef {{left: number, right: number, colour: number, kind: number}} Run in pixels */

export const CLOSEST = 2; // s in view at least
const STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200,
  86400,
];

export const KIND = { suppressed: 0, duplicate: 1, low: 2, plain: 3 };

/** @param {View} view @param {number} duration @returns {View} inside of the recording */
export function within(view, duration) {
  const length = Math.min(Math.max(view.to - view.from, Math.min(CLOSEST, duration)), duration);
  const from = Math.min(Math.max(0, view.from), duration - length);
  return { from, to: from + length };
}

/**
 * @param {View} view
 * @param {number} factor below 1 is closer
 * @param {number} at the second that stays where it is
 * @param {number} duration
 */
export function zoomed(view, factor, at, duration) {
  const most = duration / (view.to - view.from);
  const least = Math.min(CLOSEST, duration) / (view.to - view.from);
  const by = Math.min(most, Math.max(least, factor));
  return within({ from: at - (at - view.from) * by, to: at + (view.to - at) * by }, duration);
}

/** @param {View} view @param {number} seconds @param {number} duration */
export function panned(view, seconds, duration) {
  return within({ from: view.from + seconds, to: view.to + seconds }, duration);
}

/** @param {View} view @param {number} width @param {number} time */
export function pixel(view, width, time) {
  return ((time - view.from) / (view.to - view.from)) * width;
}

/** @param {View} view @param {number} width @param {number} x */
export function moment(view, width, x) {
  return view.from + (x / width) * (view.to - view.from);
}

/**
 * Where the axis has its lines: at whole times of the clock that is shown.
 * @param {View} view
 * @param {number} width
 * @param {number} apart pixels at least
 * @param {number} [clock] seconds that the clock shows at the start of the recording
 * @returns {{step: number, times: number[]}}
 */
export function ticks(view, width, apart, clock = 0) {
  const least = ((view.to - view.from) / width) * apart;
  const step = STEPS.find((each) => each >= least) ?? Math.ceil(least / 86400) * 86400;
  const times = [];
  for (let n = Math.ceil((view.from + clock) / step); n * step - clock <= view.to; n++) {
    times.push(n * step - clock);
  }
  return { step, times };
}

/** How an utterance is drawn. @param {number} flags */
export function kindOf(flags) {
  if (flags & FLAG.suppressed) return KIND.suppressed;
  if (flags & FLAG.duplicate) return KIND.duplicate;
  return flags & FLAG.low ? KIND.low : KIND.plain;
}

/**
 * The blocks of a lane in view. What follows within a pixel and looks the same becomes one, so that
 * there are never many more than pixels.
 * @param {import("./outline.js").Outline} outline
 * @param {import("./outline.js").Lane} lane
 * @param {View} view
 * @param {number} width
 * @param {(position: number) => number} colour
 * @returns {Run[]}
 */
export function runs(outline, lane, view, width, colour) {
  /** @type {Run[]} */
  const found = [];
  /** @type {(Run | undefined)[]} */
  const last = [];
  for (let at = beyond(lane.ends, view.from); at < lane.positions.length; at++) {
    const position = lane.positions[at];
    if (outline.start[position] >= view.to) break;
    if (outline.end[position] <= view.from) continue;
    const left = pixel(view, width, outline.start[position]);
    const right = Math.max(left + 1, pixel(view, width, outline.end[position]));
    const kind = kindOf(outline.flags[position]);
    const own = colour(position);
    const before = last[kind];
    if (before && before.colour === own && left - before.right < 1 && right - before.right < 1.5) {
      before.right = Math.max(before.right, right);
    } else {
      found.push((last[kind] = { left, right, colour: own, kind }));
    }
  }
  return found;
}

/**
 * How much is said in each column of the whole recording, from 0 to 1, for the overview.
 * @param {import("./outline.js").Outline} outline
 * @param {import("./outline.js").Lane} lane
 * @param {number} width
 * @returns {Float32Array}
 */
export function density(outline, lane, width) {
  const said = new Float32Array(width);
  const scale = width / (outline.duration || 1);
  for (const position of lane.positions) {
    if (kindOf(outline.flags[position]) < KIND.low) continue;
    const [from, to] = [outline.start[position] * scale, outline.end[position] * scale];
    for (let column = Math.floor(from); column < Math.min(to, width); column++) {
      said[column] += Math.min(to, column + 1) - Math.max(from, column);
    }
  }
  return said.map((each) => Math.min(1, each));
}

/**
 * The sound of a recording in pieces of five seconds, each with all of its channels, so that they
 * cannot come apart. Keeps what was heard last up to a limit, fetches ahead of what is heard, and
 * gives up what nobody waits for any more.
 */

import { readWav } from "./wav.js";

export const RATE = 16000;
export const PIECE = 5 * RATE;
/** Samples a piece. */

const AHEAD = 3; // pieces
const AT_ONCE = 2;
const KEPT = 64 * 2 ** 20;
const AGAIN = [500, 1000, 2000, 4000, 8000];

/** @typedef {import("./wav.js").Samples} Samples */
/** @typedef {(start: number, seconds: number, signal: AbortSignal) => Promise<ArrayBuffer>} Fetch */

export class Sound extends EventTarget {
  /** @type {Map<number, Samples>} the one that was used last is the last */
  #kept = new Map();
  /** @type {Map<number, AbortController>} */
  #coming = new Map();
  /** @type {number[]} */
  #wanted = [];
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /**
   * @param {Fetch} fetch
   * @param {number} duration in seconds
   * @param {number} [bytes] that are kept at most
   */
  constructor(fetch, duration, bytes = KEPT) {
    super();
    this.fetch = fetch;
    this.bytes = bytes;
    this.pieces = Math.ceil((duration * RATE) / PIECE);
  }

  /** What is here of a piece; undefined while it is not. @param {number} index */
  piece(index) {
    const found = this.#kept.get(index);
    if (found) {
      this.#kept.delete(index);
      this.#kept.set(index, found);
    }
    return found;
  }

  /** Fetches this piece and some after it, and nothing else. @param {number} index */
  want(index) {
    const last = Math.min(index + AHEAD, this.pieces - 1);
    this.#wanted = [];
    for (let each = Math.max(0, index); each <= last; each++) this.#wanted.push(each);
    for (const [each, stop] of this.#coming) if (!this.#wanted.includes(each)) stop.abort();
    this.#next();
  }

  /** Fetches nothing more. */
  rest() {
    this.#wanted = [];
    clearTimeout(this.#pause);
    this.#pause = undefined;
    for (const stop of this.#coming.values()) stop.abort();
  }

  #next() {
    if (this.#pause !== undefined) return;
    for (const each of this.#wanted) {
      if (this.#coming.size >= AT_ONCE) return;
      if (!this.#kept.has(each) && !this.#coming.has(each)) void this.#take(each);
    }
  }

  /** @param {number} index */
  async #take(index) {
    const stop = new AbortController();
    this.#coming.set(index, stop);
    try {
      const seconds = PIECE / RATE;
      this.#keep(index, readWav(await this.fetch(index * seconds, seconds, stop.signal)));
      this.#failures = 0;
      this.dispatchEvent(new Event("piece"));
    } catch (error) {
      if (stop.signal.aborted) return;
      if (isBehindTheEnd(error)) this.#keep(index, { rate: RATE, frames: 0, channels: [] });
      else this.#failed(error);
    } finally {
      this.#coming.delete(index);
      this.#next();
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    const wait = AGAIN[Math.min(this.#failures++, AGAIN.length - 1)];
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#next();
    }, wait);
    this.dispatchEvent(new CustomEvent("failed", { detail: error }));
  }

  /** @param {number} index @param {Samples} samples */
  #keep(index, samples) {
    this.#kept.set(index, samples);
    let size = 0;
    for (const each of this.#kept.values()) size += 2 * each.frames * each.channels.length;
    for (const [oldest, each] of this.#kept) {
      if (size <= this.bytes || this.#wanted.includes(oldest)) break;
      this.#kept.delete(oldest);
      size -= 2 * each.frames * each.channels.length;
    }
  }
}

/** Files may end before the transcript does: there is silence. @param {unknown} error */
function isBehindTheEnd(error) {
  return error instanceof Error && "status" in error && error.status === 416;
}

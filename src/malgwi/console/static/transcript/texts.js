/**
 * What was said, fetched page by page where somebody looks. A page that is not in view any more is
 * not waited for; those that were seen last are kept.
 */

import { get, withQuery } from "./api.js";

export const PAGE = 60;
const KEPT = 120; // pages
const AT_ONCE = 3;
const AGAIN = 2000; // ms

/** @typedef {{text: string, start: number, end: number, confidence: number | null}} Word */
/** @typedef {{rule: string, start: number, end: number, before: string, after: string}} Change */
/**
 * @typedef {object} Utterance
 * @property {string} id
 * @property {number} position
 * @property {number} channel
 * @property {string | null} speaker
 * @property {number} start
 * @property {number} end
 * @property {string} raw_text
 * @property {string} text
 * @property {number | null} confidence
 * @property {Word[]} words
 * @property {Change[]} changes
 * @property {string | null} suppressed
 * @property {string | null} duplicate_of
 */

export class Texts extends EventTarget {
  /** @type {Map<number, Utterance[]>} */
  #pages = new Map();
  /** @type {Map<number, AbortController>} */
  #coming = new Map();
  /** @type {Map<string, number[]>} pages by who looks at them */
  #wanted = new Map();
  #age = 0;

  /** @param {string} transcript @param {number} revision */
  constructor(transcript, revision) {
    super();
    this.transcript = transcript;
    this.revision = revision;
  }

  /** @param {number} position @returns {Utterance | undefined} */
  get(position) {
    return this.#pages.get(Math.floor(position / PAGE))?.[position % PAGE];
  }

  /**
   * Fetches what is missing between two positions, and what others want, and nothing else.
   * @param {string} who
   * @param {number} first
   * @param {number} last
   */
  want(who, first, last) {
    const pages = [];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      pages.push(page);
      const found = this.#pages.get(page);
      if (!found) continue;
      this.#pages.delete(page);
      this.#pages.set(page, found);
    }
    this.#wanted.set(who, pages);
    for (const [page, stop] of this.#coming) if (!this.#isWanted(page)) stop.abort();
    this.#next();
  }

  /** @param {number} page */
  #isWanted(page) {
    return [...this.#wanted.values()].some((pages) => pages.includes(page));
  }

  /** One of them, which may not be here. @param {number} position @returns {Promise<Utterance | undefined>} */
  async read(position) {
    return this.get(position) ?? (await this.#asked(position, 1))[0];
  }

  /** One that has changed, with the revision in which it did. @param {number} position @param {number} revision */
  async renew(position, revision) {
    this.revision = revision;
    const [utterance] = await this.#asked(position, 1);
    const page = this.#pages.get(Math.floor(position / PAGE));
    if (page && utterance) page[position % PAGE] = utterance;
    return utterance;
  }

  /** All of them may have changed. @param {number} revision */
  forget(revision) {
    this.revision = revision;
    this.#age++;
    this.#pages.clear();
    for (const stop of this.#coming.values()) stop.abort();
  }

  /** @param {number} position @param {number} limit @param {AbortSignal} [signal] @returns {Promise<Utterance[]>} */
  async #asked(position, limit, signal) {
    const path = `/v1/transcripts/${encodeURIComponent(this.transcript)}/utterances`;
    return (await get(withQuery(path, { position, limit, revision: this.revision }), signal)).items;
  }

  #next() {
    for (const page of [...this.#wanted.values()].flat()) {
      if (this.#coming.size >= AT_ONCE) return;
      if (!this.#pages.has(page) && !this.#coming.has(page)) void this.#take(page);
    }
  }

  /** @param {number} page */
  async #take(page) {
    const stop = new AbortController();
    const age = this.#age;
    this.#coming.set(page, stop);
    try {
      const items = await this.#asked(page * PAGE, PAGE, stop.signal);
      if (age === this.#age) this.#keep(page, items);
    } catch (error) {
      if (!stop.signal.aborted) {
        this.dispatchEvent(new CustomEvent("failed", { detail: error }));
        setTimeout(() => this.#next(), AGAIN);
        return;
      }
    } finally {
      this.#coming.delete(page);
    }
    this.#next();
  }

  /** @param {number} page @param {Utterance[]} items */
  #keep(page, items) {
    this.#pages.set(page, items);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      if (!this.#isWanted(oldest)) this.#pages.delete(oldest);
    }
    this.dispatchEvent(new CustomEvent("page", { detail: page }));
  }
}

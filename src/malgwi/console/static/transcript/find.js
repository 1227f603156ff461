/** Search inside of the transcript: what the gateway finds, marked and jumped to in order of time. */

import { get, withQuery } from "./api.js";
import { h } from "../dom.js";
import { icon, iconButton } from "./icons.js";

const PATIENCE = 250; // ms after the last key
const PAGES = 5; // of a thousand

/** @typedef {import("./page.js").Page} Page */

export class Find {
  /** @type {AbortController | undefined} */
  #asking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #soon;
  #query = "";

  /** @param {Page} page @param {(hit: import("./page.js").Hit) => void} jump */
  constructor(page, jump) {
    this.page = page;
    this.jump = jump;
    const { say } = page;
    this.input = h("input", {
      type: "search",
      class: "mg-input",
      placeholder: say("search"),
      "aria-label": say("search"),
      maxlength: 500,
      autocomplete: "off",
      input: () => this.#later(),
      keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
    this.count = h("span", { class: "mg-t-count mg-number", "aria-live": "polite" });
    this.steps = h("span", { class: "mg-t-steps", hidden: true }, this.count, iconButton("up", say("previous"), () => this.step(-1)), iconButton("down", say("next"), () => this.step(1)));
    this.element = h("div", { class: "mg-t-find", role: "search" }, h("span", { class: "mg-t-find-box" }, icon("search"), this.input), this.steps);
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  /** The next hit or the one before; the first time the next after what is heard. @param {1 | -1} by */
  step(by) {
    const { page } = this;
    if (!page.hits.length) return;
    const from = page.hit < 0 ? this.#near(by) : page.hit + by;
    page.hit = (from + page.hits.length) % page.hits.length;
    this.#show();
    this.jump(page.hits[page.hit]);
    page.tell("found");
  }

  /** @param {1 | -1} by */
  #near(by) {
    const now = this.page.player.position;
    const after = this.page.hits.findIndex((each) => each.start >= now);
    if (by > 0) return Math.max(0, after);
    return (after < 0 ? this.page.hits.length : after) - 1;
  }

  #later() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.#find(), PATIENCE);
  }

  async #find() {
    clearTimeout(this.#soon);
    const query = this.input.value.trim();
    if (query === this.#query) return;
    this.#query = query;
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const found = query ? await this.#all(query, signal) : [];
      if (!signal.aborted) this.#take(found);
    } catch (error) {
      if (!signal.aborted) this.page.fail(error);
    }
  }

  /** @param {string} q @param {AbortSignal} signal */
  async #all(q, signal) {
    const { outline } = this.page;
    const hits = [];
    let cursor = null;
    for (let n = 0; n < PAGES; n++) {
      const query = { q, transcript: outline.transcript, order: "time", hidden: true, limit: 1000, cursor };
      const page = await get(withQuery("/v1/search", query), signal);
      for (const { utterance, start, parts } of page.items) {
        const position = outline.positionOf.get(utterance);
        if (position !== undefined) hits.push({ position, start, parts });
      }
      cursor = page.next_cursor;
      if (!cursor) break;
    }
    return hits.sort((one, other) => one.position - other.position);
  }

  /** @param {import("./page.js").Hit[]} hits */
  #take(hits) {
    this.page.clear("failed");
    this.page.hits = hits;
    this.page.hit = -1;
    this.#show();
    this.page.tell("found");
  }

  #show() {
    const { hits, hit, say } = this.page;
    this.steps.hidden = !this.#query;
    const at = hit < 0 ? "" : `${hit + 1}/`;
    this.count.textContent = hits.length ? `${at}${hits.length}` : say("none-found");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      this.input.value = "";
      void this.#find();
      this.input.blur();
    } else if (event.key === "Enter") {
      const by = event.shiftKey ? -1 : 1;
      void this.#find().then(() => this.step(by));
    } else return;
    event.preventDefault();
  }
}

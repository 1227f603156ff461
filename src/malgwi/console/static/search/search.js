/**
 * `<malgwi-search data-words="…">`: what was said, found while one types, and heard at once. What is
 * looked for is in the address, so that a link and Back keep it.
 */

import { phrases } from "../phrases.js";
import { Refusal, get } from "../transcript/api.js";
import { button, h, icon } from "../dom.js";
import { Clip } from "./clip.js";
import { Filters } from "./filters.js";
import { drawn, keyOf } from "./hit.js";
import { addressOf, filtersOf, queryOf, viewOf, withoutFilters } from "./view.js";

const PAUSE = 200; // ms after the last letter
const PIECE = 20;
const TRIES = 5; // pages without a hit, of which there is a next one
const LONGEST = 500;

class Search extends HTMLElement {
  /** @type {any[]} */
  #hits = [];
  /** @type {string | null} */
  #cursor = null;
  #life = new AbortController();
  #turn = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;
  /** Whether the address is one that was typed through. */
  #typing = false;

  connectedCallback() {
    this.say = phrases(this);
    this.view = viewOf(location.search);
    this.clip = new Clip();
    this.#build();
    const { signal } = this.#life;
    this.clip.addEventListener("change", () => this.#heard(), { signal });
    this.clip.addEventListener("failed", () => globalThis.malgwi.toast(this.say("find_no_sound")), { signal });
    addEventListener("popstate", () => this.#back(), { signal });
    this.field.focus();
    void this.#look().then(() => this.#return());
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#turn.abort();
    clearTimeout(this.#pause);
    this.clip.stop();
    this.replaceChildren();
  }

  #build() {
    const { say } = this;
    this.field = h("input", {
      type: "search", class: "mg-input mg-find-field", placeholder: say("find_hint"), "aria-label": say("find_hint"),
      maxlength: LONGEST, autocomplete: "off", spellcheck: "false",
      input: () => this.#typed(), change: () => this.#settle(), keydown: (event) => this.#fieldKey(event),
    });
    this.field.value = this.view.q;
    this.filters = new Filters(this.view, say, (change) => this.#change({ ...this.view, ...change }), () => this.#change(withoutFilters(this.view)));
    this.status = h("p", { class: "mg-small mg-muted", role: "status" });
    this.over = h("div", { class: "mg-find-over" }, this.status, this.filters.order);
    this.trouble = h("div", { class: "mg-notice mg-bad", role: "alert", hidden: true });
    this.list = h("ol", { class: "mg-find-hits", keydown: (event) => this.#listKey(event) });
    this.more = button(say("more"), () => void this.#further(), "mg-find-more");
    this.more.hidden = true;
    this.instead = h("div", {});
    const form = h("form", { role: "search", class: "mg-find-form", submit: (event) => this.#submitted(event) },
      h("div", { class: "mg-find-line" }, icon("search"), this.field), this.filters.element);
    this.append(form, this.over, this.trouble, this.list, this.more, this.instead, this.clip.audio);
  }

  // -- what is looked for

  #typed() {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#take(), PAUSE);
  }

  /** The words as they are now; letters that are typed one after another are one step of Back. */
  #take() {
    clearTimeout(this.#pause);
    const view = { ...this.view, q: this.field.value.trim() };
    if (view.q === this.view.q) return;
    if (this.#typing) history.replaceState(null, "", addressOf(view));
    else history.pushState(null, "", addressOf(view));
    this.#typing = true;
    this.view = view;
    void this.#look();
  }

  #settle() {
    this.#take();
    this.#typing = false;
  }

  /** @param {Event} event */
  #submitted(event) {
    event.preventDefault();
    this.#settle();
  }

  /** @param {import("./view.js").View} view */
  #change(view) {
    this.#settle();
    view = { ...view, q: this.view.q };
    history.pushState(null, "", addressOf(view));
    this.#show(view);
  }

  #back() {
    clearTimeout(this.#pause);
    this.#typing = false;
    const view = viewOf(location.search);
    this.field.value = view.q;
    this.#show(view);
  }

  /** @param {import("./view.js").View} view */
  #show(view) {
    this.view = view;
    this.filters.show(view);
    void this.#look();
  }

  /** The first page; of answers that overtake each other the last one that was asked for counts. */
  async #look() {
    this.#turn.abort();
    this.#turn = new AbortController();
    if (!this.view.q) return this.#idle();
    await this.#page([], null, this.#turn.signal);
  }

  async #further() {
    const before = this.#hits.length;
    this.#turn.abort();
    this.#turn = new AbortController();
    await this.#page(this.#hits, this.#cursor, this.#turn.signal);
    this.#links()[before]?.focus();
  }

  /** @param {any[]} hits that are there already @param {string | null} cursor @param {AbortSignal} signal */
  async #page(hits, cursor, signal) {
    this.setAttribute("aria-busy", "true");
    try {
      let found;
      for (let tries = 0; tries < TRIES && (!found || (!found.items.length && cursor)); tries++) {
        found = await get(`/v1/search?${this.#asking(cursor)}`, signal);
        if (signal.aborted) return;
        cursor = found.next_cursor;
      }
      this.#hits = [...hits, ...found.items];
      this.#cursor = cursor;
      this.trouble.hidden = true;
      this.filters.learn(this.#hits);
      this.#draw();
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
    if (!signal.aborted) this.removeAttribute("aria-busy");
  }

  /** @param {string | null} cursor */
  #asking(cursor) {
    const query = queryOf(this.view);
    query.set("limit", String(PIECE));
    if (cursor) query.set("cursor", cursor);
    return query;
  }

  // -- what is shown

  #idle() {
    this.#hits = [];
    this.#cursor = null;
    this.trouble.hidden = true;
    this.removeAttribute("aria-busy");
    this.#draw();
  }

  #draw() {
    const there = new Map([...this.list.children].map((each) => [each.dataset.key, each]));
    const shown = this.#hits.map((hit) => this.#row(hit, there.get(keyOf(hit))));
    shown.forEach((row, place) => {
      if (this.list.children[place] !== row) this.list.insertBefore(row, this.list.children[place] ?? null);
    });
    while (this.list.children.length > shown.length) this.list.lastElementChild.remove();
    if (this.clip.key && !this.#hits.some((hit) => keyOf(hit) === this.clip.key)) this.clip.stop();
    this.more.hidden = this.#cursor === null || !this.view.q;
    this.status.textContent = this.#counted();
    this.over.hidden = !this.#hits.length;
    this.instead.replaceChildren(...(this.#hits.length || this.#cursor ? [] : [this.view.q ? this.#nothing() : this.#examples()]));
    this.#heard();
  }

  /** One that says the same stays as it is, with its focus. */
  #row(hit, before) {
    const facts = JSON.stringify(hit);
    if (before?.dataset.facts === facts) return before;
    const made = drawn(hit, this.say, {
      play: () => this.clip.toggle(keyOf(hit), hit),
      only: () => this.#change({ ...this.view, recording: hit.recording, channel: "" }),
      leave: () => history.replaceState({ at: keyOf(hit), count: this.#hits.length }, ""),
    });
    made.dataset.facts = facts;
    return made;
  }

  #counted() {
    const count = this.#hits.length;
    if (!this.view.q || (!count && !this.#cursor)) return "";
    return this.say(this.#cursor ? "find_first" : count === 1 ? "find_one" : "find_all", { count });
  }

  #examples() {
    const { say } = this;
    const examples = ["phrase", "minus", "particle"].map((each) => {
      const query = say(`find_example_${each}`);
      const take = () => { this.field.value = query; this.field.focus(); this.#settle(); };
      return h("li", {}, h("button", { type: "button", class: "mg-find-example", click: take }, h("code", {}, query)), h("span", {}, say(`find_why_${each}`)));
    });
    return h("div", { class: "mg-empty" }, icon("search"), h("h2", {}, say("find_empty")), h("ul", { class: "mg-find-examples" }, ...examples));
  }

  #nothing() {
    const { say, view } = this;
    const clear = filtersOf(view) ? button(say("find_everywhere"), () => this.#change(withoutFilters(view))) : null;
    return h("div", { class: "mg-empty" }, icon("search"), h("h2", {}, say("find_nothing", { words: view.q })), h("p", {}, say("find_try")), clear);
  }

  /** What was found before stays. */
  #failed(error) {
    const status = error instanceof Refusal ? error.status : 0;
    if (status === 401) return globalThis.malgwi.ended?.();
    const again = button(this.say("retry"), () => void this.#look(), "", "again");
    this.trouble.replaceChildren(h("span", { class: "mg-grow" }, status ? error.message : this.say("gone")), again);
    this.trouble.hidden = false;
  }

  #heard() {
    const { key, playing, share } = this.clip;
    for (const row of this.list.children) {
      const mine = row.dataset.key === key;
      row.classList.toggle("mg-find-heard", mine);
      row.querySelector(".mg-find-done").style.width = mine ? `${share * 100}%` : "0";
      const use = row.querySelector(".mg-find-play use");
      const drawing = `/static/icons.svg#${mine && playing ? "pause" : "play"}`;
      if (use.getAttribute("href") !== drawing) use.setAttribute("href", drawing);
    }
  }

  // -- hands

  #links() {
    return [...this.list.querySelectorAll(".mg-find-moment")];
  }

  /** @param {KeyboardEvent} event */
  #fieldKey(event) {
    if (event.isComposing || event.key !== "ArrowDown" || !this.#hits.length) return;
    event.preventDefault();
    this.#links()[0].focus();
  }

  /** @param {KeyboardEvent} event */
  #listKey(event) {
    const links = this.#links();
    const at = links.findIndex((each) => each.closest("li") === event.target.closest("li"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (event.key === "Escape") this.field.focus();
    else if (event.key === " " && event.target === links[at]) this.clip.toggle(keyOf(this.#hits[at]), this.#hits[at]);
    else if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    else if (to < 0) this.field.focus();
    else (links[to] ?? (this.more.hidden ? links[at] : this.more)).focus();
    event.preventDefault();
  }

  /** Who comes back from a transcript is where they were. */
  async #return() {
    const { at, count } = history.state ?? {};
    if (!at) return;
    while (this.#cursor && this.#hits.length < count) await this.#page(this.#hits, this.#cursor, this.#turn.signal);
    const place = this.#hits.findIndex((hit) => keyOf(hit) === at);
    this.#links()[place]?.focus();
  }
}

customElements.define("malgwi-search", Search);

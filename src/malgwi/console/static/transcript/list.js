/**
 * What was said, as a list of any length: only the rows in view and some around them are elements,
 * only their texts are fetched. Heights are measured as rows come into view and what is looked at
 * stays where it is. Follows what is heard until the reader scrolls.
 */

import { h } from "../dom.js";
import { icon } from "./icons.js";
import { Heights, rowsOf } from "./rows.js";
import { foldedRow, utteranceRow } from "./row.js";

const MARGIN = 500; // pixels above and below the view
const LINE = 24;
const NARROW = 640; // pixels below which the text goes under the name, as in the style sheet
const GLIDE = 600; // ms that a soft scroll may take
const PATIENCE = 80; // ms of quiet before texts of a place that is scrolled by are fetched

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./rows.js").Row} Row */

export class List {
  /** @type {Row[]} */
  rows = [];
  /** @type {ArrayLike<number>} of each position */
  #rowOf = [];
  #heights = new Heights([]);
  /** @type {Map<number, HTMLElement>} rows that are elements */
  #made = new Map();
  /** @type {Set<number>} */
  #opened = new Set();
  #waiting = false;
  #width = 0;
  #scrolled = 0;
  #selected = -1;
  /** @type {Element | null} the word that is being said last */
  #word = null;

  /**
   * @param {Page} page
   * @param {(what: string, position: number, target: HTMLElement) => void} act
   * @param {(position: number) => HTMLElement | undefined} editor what stands in place of a row
   * @param {AbortSignal} signal
   */
  constructor(page, act, editor, signal) {
    this.page = page;
    this.act = act;
    this.editor = editor;
    this.rowsBox = h("div", { class: "mg-t-rows", role: "list", "aria-label": page.say("transcript") });
    this.space = h("div", { class: "mg-t-space" }, this.rowsBox);
    this.scroller = h("div", { class: "mg-t-scroll", tabindex: 0, role: "region", "aria-label": page.say("transcript") }, this.space);
    this.back = h("button", { type: "button", class: "mg-button mg-primary mg-t-back", hidden: true, click: () => this.#follow() }, icon("follow"), page.say("follow"));
    this.element = h("div", { class: "mg-t-list" }, this.scroller, this.back);
    this.#listen(signal);
    this.#arrange();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { page, scroller } = this;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    const left = () => page.follow(false);
    scroller.addEventListener("wheel", left, { passive: true });
    scroller.addEventListener("touchmove", left, { passive: true });
    scroller.addEventListener("pointerdown", (event) => event.target === scroller && left());
    scroller.addEventListener("keydown", (event) => {
      if (["PageUp", "PageDown", "Home", "End"].includes(event.key) && event.target === scroller) left();
    });
    scroller.addEventListener("click", (event) => this.#click(event));
    scroller.addEventListener("dblclick", (event) => this.#double(event));
    page.addEventListener("outline", () => this.#arrange(), { signal });
    page.addEventListener("view", () => this.#arrange(), { signal });
    page.addEventListener("found", () => this.#remake(), { signal });
    page.addEventListener("corrected", (event) => this.refresh(/** @type {CustomEvent} */ (event).detail), { signal });
    page.addEventListener("follow", () => this.#showBack(), { signal });
    page.player.addEventListener("change", () => this.#showBack(), { signal });
    page.texts.addEventListener("page", () => this.#later(), { signal });
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(scroller);
    signal.addEventListener("abort", () => watch.disconnect());
  }

  /** The first utterance in view. */
  get first() {
    return this.rows[this.#heights.at(this.scroller.scrollTop)]?.first ?? 0;
  }

  /** Makes a row anew, as when its text or its editor comes or goes. @param {number} position */
  refresh(position) {
    this.#drop(this.#rowOf[position]);
    this.#render();
  }

  /** Whether an utterance has a line of its own. @param {number} position */
  shows(position) {
    return !this.rows[this.#rowOf[position]].folded;
  }

  /** The element of a position, where it is in view. @param {number} position */
  rowOf(position) {
    return this.#made.get(this.#rowOf[position]);
  }

  /** Brings an utterance into view, where the eye rests. @param {number} position */
  reveal(position) {
    if (position < 0 || position >= this.page.outline.count) return;
    if (this.rows[this.#rowOf[position]].folded) this.#open(this.#rowOf[position]);
    this.select(position);
    this.#scrollTo(this.#rowOf[position], true);
  }

  /** Which row the keys mean. @param {number} position */
  select(position) {
    const before = this.rowOf(this.#selected);
    this.#selected = position;
    before?.classList.remove("mg-t-selected");
    if (before) before.tabIndex = -1;
    const row = this.rowOf(position);
    row?.classList.add("mg-t-selected");
    if (row) row.tabIndex = 0;
  }

  get selected() {
    return this.#selected;
  }

  /** The utterance after or before that is shown in full; -1 where there is none. @param {number} position @param {1 | -1} by */
  next(position, by) {
    let row = this.#rowOf[position] + by;
    while (this.rows[row]?.folded) row += by;
    return this.rows[row]?.first ?? -1;
  }

  /** Marks the word that is being said. @param {number} time @param {boolean} playing */
  now(time, playing) {
    const { page } = this;
    const active = page.outline.saying(time).filter((each) => page.heard(page.laneAt(each)));
    for (const [row, element] of this.#made) {
      element.classList.toggle("mg-t-now", active.includes(this.rows[row].first));
    }
    const shown = active.filter((each) => this.shows(each));
    const last = shown.at(-1) ?? -1;
    this.#say(last, time);
    if (!playing || !page.following || last < 0) return;
    if (last !== this.#selected) this.select(last);
    this.#scrollTo(this.#rowOf[last], false);
  }

  /** @param {number} position @param {number} time */
  #say(position, time) {
    const words = position < 0 ? undefined : this.page.texts.get(position)?.words;
    const at = words?.findLastIndex((each) => each.start <= time && time < each.end + 0.3) ?? -1;
    const word = at < 0 ? null : (this.rowOf(position)?.querySelector(`[data-word="${at}"]`) ?? null);
    if (word === this.#word) return;
    this.#word?.classList.remove("mg-t-saying");
    word?.classList.add("mg-t-saying");
    this.#word = word;
  }

  #follow() {
    const { page } = this;
    page.follow(true);
    const position = page.outline.at(page.player.position);
    if (position >= 0) this.#scrollTo(this.#rowOf[position], true);
  }

  #showBack() {
    this.back.hidden = this.page.following || this.page.player.state === "paused";
  }

  /** @param {number} row @param {boolean} rest whether it goes to its place though it is in view */
  #scrollTo(row, rest) {
    const { scroller } = this;
    if (scroller.clientWidth !== this.#width) this.#arrange();
    const [top, room] = [this.#heights.top(row), scroller.clientHeight];
    const end = top + this.#heights.heights[row];
    const inView = top >= scroller.scrollTop + 8 && end <= scroller.scrollTop + room * (rest ? 1 : 0.75);
    if (inView) return;
    const to = Math.max(0, top - room * 0.3);
    if (this.#gliding && Math.abs(this.#glides.to - to) < room / 4) return;
    const near = Math.abs(to - scroller.scrollTop) < room * 1.5;
    const glides = !rest && near && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#glides = { until: glides ? performance.now() + GLIDE : 0, to };
    scroller.scrollTo({ top: to, behavior: glides ? "smooth" : "instant" });
    if (!glides) this.#render();
  }

  /** Until when a soft scroll is on its way, and where it goes. */
  #glides = { until: 0, to: -1 };

  get #gliding() {
    return performance.now() < this.#glides.until;
  }

  #onScroll() {
    this.#scrolled = performance.now();
    this.#later();
  }

  #resized() {
    if (this.scroller.clientWidth === this.#width) return this.#later();
    this.#arrange();
  }

  /** Which rows there are, from the beginning; what is looked at stays. */
  #arrange() {
    const { page } = this;
    const { row, below } = this.#anchor();
    const position = this.rows[row]?.first ?? 0;
    this.#width = this.scroller.clientWidth;
    const { rows, rowOf } = rowsOf(page.outline.flags, page.shown, this.#opened);
    [this.rows, this.#rowOf] = [rows, rowOf];
    this.#heights = new Heights(rows.map((row) => this.#guess(row)));
    this.#clear();
    this.#size();
    this.scroller.scrollTop = this.#heights.top(rowOf[position] ?? 0) - below;
    this.#render();
  }

  /** @param {Row} row */
  #guess(row) {
    if (row.folded) return 28;
    const { start, end } = this.page.outline;
    const letters = (end[row.first] - start[row.first]) * 9;
    const narrow = this.#width <= NARROW;
    const perLine = Math.max(20, (this.#width - (narrow ? 32 : 320)) / 8.5);
    const tagged = this.page.outline.flags[row.first] & 14 ? LINE : 0;
    return (narrow ? 46 : 16) + tagged + LINE * Math.max(1, Math.ceil(letters / perLine)) * (this.page.raw ? 2 : 1);
  }

  /** @param {number} row */
  #open(row) {
    const { first, count } = this.rows[row];
    for (let position = first; position < first + count; position++) this.#opened.add(position);
    this.#arrange();
  }

  #clear() {
    for (const row of [...this.#made.keys()]) this.#drop(row);
  }

  #remake() {
    this.#clear();
    this.#render();
  }

  /** @param {number} row */
  #drop(row) {
    this.#made.get(row)?.remove();
    this.#made.delete(row);
  }

  #size() {
    this.space.style.height = `${this.#heights.total}px`;
  }

  #later() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#render();
    });
  }

  #render() {
    if (!this.rows.length || !this.scroller.clientHeight) return;
    const { scrollTop, clientHeight } = this.scroller;
    const anchor = this.#anchor();
    const first = this.#heights.at(scrollTop - MARGIN);
    const last = this.#heights.at(scrollTop + clientHeight + MARGIN);
    this.#make(first, last);
    this.#measure();
    this.#size();
    this.rowsBox.style.transform = `translateY(${this.#heights.top(first)}px)`;
    const place = this.#heights.top(anchor.row) - anchor.below;
    if (Math.abs(place - scrollTop) >= 1 && !this.#gliding) this.scroller.scrollTop = place;
    this.#fetch(first, last);
  }

  /** The row that stays where it is when others turn out higher or lower: the chosen one, or the first. */
  #anchor() {
    const { scrollTop, clientHeight } = this.scroller;
    const chosen = this.#rowOf[this.#selected];
    const below = chosen === undefined ? -1 : this.#heights.top(chosen) - scrollTop;
    if (below >= 0 && below < clientHeight) return { row: chosen, below };
    const row = this.#heights.at(scrollTop);
    return { row, below: this.#heights.top(row) - scrollTop };
  }

  /** @param {number} first @param {number} last */
  #make(first, last) {
    for (const [row, element] of [...this.#made]) {
      const waits = element.getAttribute("aria-busy") && this.page.texts.get(this.rows[row].first);
      if (row < first || row > last || waits) this.#drop(row);
    }
    /** @type {Element | null} */
    let next = this.rowsBox.firstElementChild;
    for (let row = first; row <= last; row++) {
      const there = this.#made.get(row);
      if (there) {
        next = there.nextElementSibling;
        continue;
      }
      const made = this.#row(row);
      this.#made.set(row, made);
      this.rowsBox.insertBefore(made, next);
    }
  }

  /** @param {number} at */
  #row(at) {
    const row = this.rows[at];
    const made = row.folded ? foldedRow(this.page, row) : (this.editor(row.first) ?? utteranceRow(this.page, row.first));
    made.dataset.row = String(at);
    made.setAttribute("aria-posinset", String(at + 1));
    made.setAttribute("aria-setsize", String(this.rows.length));
    if (row.first === this.#selected && !row.folded) {
      made.classList.add("mg-t-selected");
      made.tabIndex = 0;
    }
    return made;
  }

  #measure() {
    const found = [...this.#made].map(([row, element]) => /** @type {const} */ ([row, element.offsetHeight]));
    for (const [row, height] of found) if (height) this.#heights.set(row, height);
  }

  /** @param {number} first @param {number} last */
  #fetch(first, last) {
    const wait = PATIENCE - (performance.now() - this.#scrolled);
    const [from, to] = [this.rows[first].first, this.rows[last].first];
    if (wait <= 0 || !this.#made.size) return this.page.texts.want("list", from, to);
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#later(), wait + 1);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #soon;

  /** @param {Event} event */
  #rowAt(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-row]"));
    return { target, row: row ? Number(row.dataset.row) : -1 };
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const { target, row } = this.#rowAt(event);
    if (row < 0 || target.closest(".mg-t-editor")) return;
    const position = this.rows[row].first;
    const what = /** @type {HTMLElement | null} */ (target.closest("[data-do]"))?.dataset.do;
    if (what === "unfold") return this.#open(row);
    this.select(position);
    if (what) return this.act(what, position, target);
    const word = /** @type {HTMLElement | null} */ (target.closest("[data-word]"));
    const said = word && this.page.texts.get(position)?.words[Number(word.dataset.word)];
    if (said && getSelection()?.isCollapsed !== false && event.detail < 2) this.page.playFrom(said.start);
  }

  /** @param {MouseEvent} event */
  #double(event) {
    const { target, row } = this.#rowAt(event);
    if (row < 0 || this.rows[row].folded || target.closest("button, .mg-t-editor")) return;
    event.preventDefault();
    getSelection()?.removeAllRanges();
    this.act("edit", this.rows[row].first, target);
  }
}

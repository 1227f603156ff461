/**
 * `<malgwi-transcript transcript="ID" lang="ko" access="editor">`: a transcript to see, hear, search
 * and correct, on any page of the gateway's origin. `access` is `viewer`, `editor` or `admin` and
 * decides what is offered; the gateway decides what is allowed.
 */

import { about } from "./about.js";
import { get } from "./api.js";
import { Bar, RATES } from "./bar.js";
import { Changes } from "./changes.js";
import { momentOf } from "./clock.js";
import { fill, h } from "../dom.js";
import { iconButton } from "./icons.js";
import { discard } from "./drafts.js";
import { Editing } from "./edit.js";
import { exportDialog } from "./export.js";
import { Find } from "./find.js";
import { History, undo } from "./history.js";
import { keysDialog, keysOf, listen } from "./keys.js";
import { List } from "./list.js";
import { Notes } from "./notes.js";
import { Page, doorOf, said } from "./page.js";
import { renameChannel, renameSpeaker } from "./names.js";
import { Timeline } from "./timeline.js";
import { tools } from "./tools.js";
import { wordsIn } from "./words.js";

const CHECK = 30_000; // ms between looks at whether somebody changed it
const LEAST = 44; // pixels of lanes

class MalgwiTranscript extends HTMLElement {
  /** @type {AbortController | undefined} */
  #life;

  connectedCallback() {
    this.#life = new AbortController();
    void this.#open(this.#life.signal);
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.replaceChildren();
  }

  /** @param {AbortSignal} signal */
  async #open(signal) {
    const say = wordsIn(this.lang || document.documentElement.lang || "en");
    this.setAttribute("aria-busy", "true");
    this.#fit(signal);
    const path = `/v1/transcripts/${encodeURIComponent(this.getAttribute("transcript") ?? "")}/outline`;
    try {
      const [outline] = await Promise.all([get(path, signal), styled()]);
      if (signal.aborted) return;
      document.title = `${outline.recording_name} · ${document.title.split(" · ").at(-1)}`;
      const page = new Page(outline, say, this.getAttribute("access") !== "viewer");
      new Desk(this, page, signal);
      this.removeAttribute("aria-busy");
    } catch (error) {
      if (signal.aborted) return;
      const again = h("button", { type: "button", class: "mg-button", click: () => void this.#open(signal) }, say("again"));
      const { text, act = [] } = said(error, say);
      fill(this, h("div", { class: "mg-notice mg-bad", role: "alert" }, text, ...act.map(doorOf), again));
    }
  }

  /** It is as high as the window below it is. @param {AbortSignal} signal */
  #fit(signal) {
    const fit = () => this.style.setProperty("--mg-t-top", `${Math.round(this.getBoundingClientRect().top + scrollY)}px`);
    addEventListener("resize", fit, { signal });
    fit();
  }
}

/** Puts the parts together, and is what the keys and buttons do. */
class Desk {
  /** @type {string} */
  #panel = "";
  #frame = 0;

  /** @param {HTMLElement} element @param {Page} page @param {AbortSignal} signal */
  constructor(element, page, signal) {
    this.element = element;
    this.page = page;
    this.changes = Changes.again(page.outline.revision, sessionStorage.getItem(this.#keptAs));
    this.editing = new Editing(page, (position) => this.list.refresh(position), (revision) => this.#did(revision));
    this.timeline = new Timeline(page, (lane) => renameChannel(page, element, lane), signal);
    this.list = new List(page, (what, position) => this.#act(what, position), (position) => this.editing.element(position), signal);
    this.notes = new Notes(page, element, signal);
    this.history = new History(page, (to) => this.#restore(to), signal);
    this.find = new Find(page, (hit) => this.#jump(hit));
    this.bar = new Bar(page, () => void this.notes.bookmark());
    const acts = this.#acts();
    this.keys = keysOf(acts);
    this.tools = tools(page, this.find.element, acts, signal);
    this.notices = h("div", { class: "mg-t-notices", "aria-live": "polite" });
    this.aside = h("aside", { class: "mg-t-panel", hidden: true });
    this.spoken = h("span", { class: "mg-unseen", role: "status" });
    const body = h("div", { class: "mg-t-body" }, this.list.element, this.aside);
    fill(element, this.tools.element, this.notices, about(page.outline, page.say), this.timeline.element, this.#handle(), body, this.bar.element, this.spoken);
    listen(this.keys, element, signal);
    this.#listen(signal);
    this.#start();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { page } = this;
    page.player.addEventListener("change", () => this.#playing(), { signal });
    page.addEventListener("notice", () => this.#notice(), { signal });
    page.addEventListener("outline", () => this.#renewed(), { signal });
    addEventListener("hashchange", () => this.#toHash(), { signal });
    document.addEventListener("visibilitychange", () => void this.#look(), { signal });
    const timer = setInterval(() => void this.#look(), CHECK);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      cancelAnimationFrame(this.#frame);
      page.player.close();
    });
  }

  #start() {
    if (!this.page.outline.count) this.page.note("empty", { text: this.page.say("empty") });
    this.#showUndo();
    this.#toHash();
    this.#offer();
    this.#draw();
    void this.notes.load();
    void this.#look();
  }

  #acts() {
    const { page } = this;
    const { player } = page;
    return {
      toggle: () => this.bar.toggle(),
      move: (/** @type {number} */ by) => this.#seek(player.position + by),
      shuttle: (/** @type {1 | -1} */ by) => this.#shuttle(by),
      utterance: (/** @type {1 | -1} */ by) => this.#utterance(by),
      edit: () => void this.editing.open(this.#selected()),
      search: () => this.find.focus(),
      bookmark: () => void this.notes.bookmark(),
      note: () => this.notes.write(),
      follow: () => this.#follow(),
      zoom: (/** @type {number} */ factor) => this.timeline.zoom(factor, player.position),
      undo: () => void this.#step("before"),
      redo: () => void this.#step("after"),
      help: () => keysDialog(this.keys, this.element, page.say),
      notes: () => this.#show("notes"),
      history: () => this.#show("history"),
      close: () => this.#panel && this.#show(this.#panel),
      export: () => exportDialog(page, this.element),
      link: () => this.#link(player.position),
    };
  }

  /** What a button of a row does. @param {string} what @param {number} position */
  #act(what, position) {
    const { page } = this;
    const start = page.outline.start[position];
    if (what === "play") page.playFrom(start);
    if (what === "edit") void this.editing.open(position);
    if (what === "link") this.#link(start);
    if (what === "rename") renameSpeaker(page, this.element, position, (revision) => this.#did(revision));
  }

  /** The line that the keys mean: the chosen one while it is being said, else what is. */
  #selected() {
    const { outline, player } = this.page;
    const [chosen, time] = [this.list.selected, player.position + 0.001];
    if (chosen >= 0 && outline.start[chosen] <= time && time < outline.end[chosen]) return chosen;
    return Math.max(0, outline.at(time));
  }

  /** @param {number} time */
  #seek(time) {
    this.page.seek(time);
    this.list.reveal(this.#selected());
  }

  /** The one after or before, of those that are shown. @param {1 | -1} by */
  #utterance(by) {
    const next = this.list.next(this.#selected(), by);
    if (next < 0) return;
    this.page.seek(this.page.outline.start[next]);
    this.list.reveal(next);
  }

  /** @param {1 | -1} by */
  #shuttle(by) {
    const { player } = this.page;
    if (player.state === "paused" && by > 0) return player.play();
    if (by < 0 && player.rate <= 1) return this.#seek(player.position - 2);
    const at = RATES.findIndex((each) => each >= player.rate);
    player.rate = RATES[Math.min(RATES.length - 1, Math.max(0, at + by))];
  }

  #follow() {
    this.page.follow(true);
    this.list.reveal(this.#selected());
  }

  /** @param {import("./page.js").Hit} hit */
  #jump(hit) {
    this.page.seek(hit.start);
    this.list.reveal(hit.position);
    this.timeline.now(hit.start, true);
  }

  /** @param {number} revision */
  #did(revision) {
    this.changes.did(revision);
    this.#showUndo();
  }

  /** Somebody made another revision: what was done here cannot be told from it. */
  #renewed() {
    if (this.page.outline.revision > Math.max(...this.changes.states)) {
      this.changes = new Changes(this.page.outline.revision);
    }
    this.#showUndo();
  }

  /** Of this tab: what others undo is theirs. */
  get #keptAs() {
    return `malgwi-undo:${this.page.outline.transcript}`;
  }

  #showUndo() {
    sessionStorage.setItem(this.#keptAs, this.changes.kept(this.page.outline.revision));
    this.tools.undo.disabled = this.changes.before === undefined;
    this.tools.redo.disabled = this.changes.after === undefined;
  }

  /** @param {"before" | "after"} which */
  async #step(which) {
    const { changes, page } = this;
    const to = changes[which];
    if (to === undefined || !page.may) return;
    if (await this.#undo(to)) {
      this.changes = changes;
      if (which === "before") changes.undone();
      else changes.redone();
    }
    this.#showUndo();
  }

  /** @param {number} to */
  async #restore(to) {
    const number = await this.#undo(to);
    if (number) this.#did(number);
  }

  /** @param {number} to */
  async #undo(to) {
    const { page } = this;
    try {
      return await undo(page, to);
    } catch (error) {
      page.fail(error);
      if (error instanceof Error && "stale" in error && error.stale) {
        page.note("failed", { bad: true, text: page.say("stale") });
        await page.renew().catch((other) => page.fail(other));
      }
      return 0;
    }
  }

  /** @param {string} which */
  #show(which) {
    this.#panel = this.#panel === which ? "" : which;
    this.aside.hidden = !this.#panel;
    for (const button of this.tools.element.querySelectorAll("[data-panel]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-panel") === this.#panel));
    }
    if (!this.#panel) return;
    const { say } = this.page;
    const content = which === "notes" ? this.notes : this.history;
    const close = iconButton("close", say("close"), () => this.#show(which));
    this.aside.setAttribute("aria-label", say(which));
    fill(this.aside, h("div", { class: "mg-t-panel-head" }, h("h2", {}, say(which)), close), content.element);
    void content.load();
  }

  /** What separates the lanes from the list, to be dragged. */
  #handle() {
    const { element, timeline } = this;
    const set = (/** @type {number} */ height) => {
      element.style.setProperty("--mg-t-lanes", `${Math.max(LEAST, height)}px`);
      handle.setAttribute("aria-valuenow", String(Math.max(LEAST, Math.round(height))));
    };
    const keydown = (/** @type {KeyboardEvent} */ event) => {
      const by = { ArrowUp: -24, ArrowDown: 24 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      set(timeline.scroll.clientHeight + by);
    };
    const pointerdown = (/** @type {PointerEvent} */ event) => {
      const began = { y: event.clientY, height: timeline.scroll.clientHeight };
      handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (move) => set(began.height + move.clientY - began.y);
      handle.onpointerup = handle.onpointercancel = () => (handle.onpointermove = null);
    };
    const values = { "aria-valuemin": LEAST, "aria-valuemax": timeline.laneHeight * this.page.outline.lanes.length, "aria-valuenow": LEAST };
    const handle = h("div", { class: "mg-t-handle", role: "separator", tabindex: 0, "aria-orientation": "horizontal", "aria-label": this.page.say("size"), ...values, keydown, pointerdown });
    return handle;
  }

  #playing() {
    const { state } = this.page.player;
    this.spoken.textContent = this.page.say(state);
    this.#draw();
  }

  /** One frame: where it is, and what is being said. */
  #draw() {
    cancelAnimationFrame(this.#frame);
    const { player, following } = this.page;
    const time = player.position;
    const playing = player.state !== "paused";
    this.bar.now(time);
    this.timeline.now(time, following && playing);
    this.list.now(time, playing);
    if (playing) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Goes to the moment that the address names. */
  #toHash() {
    const { page } = this;
    const time = momentOf(location.hash);
    if (time === null) return;
    page.seek(time);
    this.timeline.look({ from: time - 30, to: time + 90 });
    const said = page.outline.saying(time);
    this.list.reveal(said.find((each) => this.list.shows(each)) ?? said[0] ?? page.outline.at(time));
  }

  /** @param {number} time */
  #link(time) {
    const { page } = this;
    history.replaceState(history.state, "", `#t=${time.toFixed(2)}`);
    copy(location.href);
    page.done(page.say("copied", { time: page.timeOf(time) }));
  }

  /** Offers what was typed before the page was left. */
  #offer() {
    const { page } = this;
    if (!page.may) return;
    for (const draft of this.editing.kept) {
      const key = `draft:${draft.utterance}`;
      const resume = () => {
        page.clear(key);
        const position = this.editing.resume(draft);
        if (position !== undefined) this.list.reveal(position);
      };
      const drop = () => {
        page.clear(key);
        discard(page.outline.transcript, draft.utterance);
      };
      const act = [{ label: page.say("resume"), click: resume }, { label: page.say("discard"), click: drop }];
      page.note(key, { text: page.say("draft", { time: page.timeOf(draft.start) }), act });
    }
  }

  /** Whether somebody else has changed it. */
  async #look() {
    const { page } = this;
    if (document.hidden) return;
    try {
      await this.#lookForAnother();
      const revisions = await get(`${page.path}/revisions`);
      const newest = Math.max(...revisions.map((/** @type {{number: number}} */ each) => each.number));
      if (newest <= page.outline.revision) return;
      const show = () => void page.renew().catch((error) => page.fail(error));
      page.note("newer", { text: page.say("newer"), act: [{ label: page.say("show-newer"), click: show }] });
    } catch (error) {
      page.fail(error, "look");
      return;
    }
    page.clear("look");
  }

  /** Whether the recording was transcribed again meanwhile. */
  async #lookForAnother() {
    const { page } = this;
    const { transcript } = await get(`/v1/recordings/${encodeURIComponent(page.outline.recording)}`);
    if (!transcript || transcript.id === page.outline.transcript) return;
    const href = `/transcripts/${encodeURIComponent(transcript.id)}`;
    page.note("another", { text: page.say("another"), act: [{ label: page.say("show-newer"), href }] });
  }

  #notice() {
    const { page } = this;
    const shown = [...page.notices].map(([key, { text, bad, act = [] }]) =>
      h(
        "div",
        { class: `mg-notice ${bad ? "mg-bad" : ""}` },
        h("span", { class: "mg-grow" }, text),
        ...act.map((each) => (each.href ? doorOf(each) : h("button", { type: "button", class: "mg-button", click: each.click }, each.label))),
        iconButton("close", page.say("close"), () => page.clear(key)),
      ),
    );
    fill(this.notices, ...shown);
  }
}

/** The style sheet beside this module, where the page has not brought it. */
async function styled() {
  if (document.querySelector('link[href*="transcript/transcript.css"]')) return;
  const href = new URL("transcript.css", import.meta.url).href;
  const link = h("link", { rel: "stylesheet", href });
  const ready = new Promise((resolve) => (link.onload = link.onerror = resolve));
  document.head.append(link);
  await ready;
}

/** Also where the page came by plain http, which has no clipboard. @param {string} text */
function copy(text) {
  if (navigator.clipboard) return void navigator.clipboard.writeText(text).catch(() => {});
  const field = h("textarea", { class: "mg-unseen" }, text);
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

if (!customElements.get("malgwi-transcript")) customElements.define("malgwi-transcript", MalgwiTranscript);

/**
 * Correction in place. Nothing that was typed is lost: it is kept as a draft with each key, and a
 * save that fails leaves the editor as it is. Where somebody else was faster with the same line
 * both texts are shown, to take one of them or both.
 */

import { Refusal } from "./api.js";
import { merge } from "./diff.js";
import { fill, h } from "../dom.js";
import { discard, drafts, keep } from "./drafts.js";
import { doorOf, said } from "./page.js";
import { changed } from "./row.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {{text: string, speaker: string}} Says */

/** The editors that are open, by utterance. */
export class Editing {
  /** @type {Map<string, Editor>} */
  #open = new Map();

  /**
   * @param {Page} page
   * @param {(position: number) => void} redraw
   * @param {(revision: number) => void} did
   */
  constructor(page, redraw, did) {
    this.page = page;
    this.redraw = redraw;
    this.did = did;
  }

  /** @param {number} position */
  element(position) {
    return this.#open.get(this.page.outline.ids[position])?.element;
  }

  /** @param {number} position */
  async open(position) {
    const { page } = this;
    const id = page.outline.ids[position];
    if (!page.may || !id) return;
    const there = this.#open.get(id);
    if (there) return there.focus();
    try {
      const found = await page.texts.read(position);
      if (found) this.#begin(position, { text: found.text, speaker: found.speaker ?? "" });
    } catch (error) {
      page.fail(error);
    }
  }

  /** Goes on with what was not saved. @param {import("./drafts.js").Draft} draft */
  resume(draft) {
    const position = this.page.outline.positionOf.get(draft.utterance);
    if (position !== undefined) this.#begin(position, draft.from, draft);
    return position;
  }

  /** Those of this transcript that are in no editor. */
  get kept() {
    return drafts(this.page.outline.transcript).filter((each) => !this.#open.has(each.utterance));
  }

  /** @param {number} position @param {Says} from @param {Says} [typed] */
  #begin(position, from, typed) {
    const id = this.page.outline.ids[position];
    const editor = new Editor(this.page, id, from, typed ?? from, (revision) => {
      this.#open.delete(id);
      if (revision !== undefined) this.did(revision);
      const now = this.page.outline.positionOf.get(id);
      if (now !== undefined) this.redraw(now);
    });
    this.#open.set(id, editor);
    this.redraw(position);
    editor.focus();
  }
}

class Editor {
  #busy = false;

  /**
   * @param {Page} page
   * @param {string} id
   * @param {Says} from what it said when this began
   * @param {Says} typed
   * @param {(revision?: number) => void} done
   */
  constructor(page, id, from, typed, done) {
    this.page = page;
    this.id = id;
    this.from = from;
    this.done = done;
    const { say } = page;
    const names = `mg-t-speakers-${id}`;
    this.text = h("textarea", { class: "mg-textarea", rows: 2, "aria-label": say("text"), maxlength: 20000 });
    this.speaker = h("input", { class: "mg-input", "aria-label": say("speaker"), placeholder: say("speaker"), list: names, maxlength: 300, autocomplete: "off" });
    this.message = h("div", { class: "mg-t-message", role: "alert" });
    this.saveButton = h("button", { type: "button", class: "mg-button mg-primary", click: () => void this.save() }, say("save"));
    this.element = h(
      "div",
      { class: "mg-t-row mg-t-editor", role: "listitem", keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event), input: () => this.#typed() },
      h("span", { class: "mg-t-when" }, page.timeOf(this.#start)),
      h("div", { class: "mg-t-edit-who" }, this.speaker, h("datalist", { id: names }, ...page.outline.speakers.map((value) => h("option", { value })))),
      h(
        "div",
        { class: "mg-t-edit-said" },
        this.text,
        this.message,
        h("div", { class: "mg-t-edit-end" }, this.saveButton, h("button", { type: "button", class: "mg-button", click: () => this.cancel() }, say("cancel")), h("span", { class: "mg-muted mg-small mg-t-hint" }, say("edit-hint"))),
      ),
    );
    [this.text.value, this.speaker.value] = [typed.text, typed.speaker];
  }

  get #position() {
    return this.page.outline.positionOf.get(this.id) ?? -1;
  }

  get #start() {
    return this.page.outline.start[this.#position] ?? 0;
  }

  focus() {
    this.#grow();
    this.text.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  cancel() {
    discard(this.page.outline.transcript, this.id);
    this.done();
  }

  async save() {
    const corrections = this.#corrections();
    if (!corrections) return this.cancel();
    if (this.#busy) return;
    this.#busy = this.saveButton.disabled = true;
    fill(this.message);
    try {
      const { number } = await this.page.correct(this.page.outline.revision, [corrections]);
      discard(this.page.outline.transcript, this.id);
      await this.page.corrected(this.#position, number).catch(() => this.page.renew());
      this.done(number);
    } catch (error) {
      await this.#failed(error);
    } finally {
      this.#busy = this.saveButton.disabled = false;
    }
  }

  /** What is other than when it began. */
  #corrections() {
    const [text, speaker] = [this.text.value.trim(), this.speaker.value.trim()];
    if (text === this.from.text && speaker === this.from.speaker) return null;
    return {
      utterance: this.id,
      ...(text !== this.from.text && { text }),
      ...(speaker !== this.from.speaker && { speaker }),
    };
  }

  /** @param {unknown} error */
  async #failed(error) {
    if (error instanceof Refusal && error.stale) {
      try {
        return await this.#compare();
      } catch (other) {
        error = other;
      }
    }
    const again = h("button", { type: "button", class: "mg-button", click: () => void this.save() }, this.page.say("again"));
    const { text, act = [] } = said(error, this.page.say);
    fill(this.message, `${text} ${this.page.say("kept-typed")}`, " ", ...act.map(doorOf), again);
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** Another revision came between: goes on where this line is as it was, else shows both. */
  async #compare() {
    await this.page.renew();
    const theirs = this.#position < 0 ? undefined : await this.page.texts.read(this.#position);
    if (!theirs) {
      fill(this.message, `${this.page.say("line-gone")} ${this.page.say("kept-typed")}`);
      return;
    }
    const says = { text: theirs.text, speaker: theirs.speaker ?? "" };
    const alike = says.text === this.from.text && says.speaker === this.from.speaker;
    this.focus();
    if (!alike) return this.#conflict(says);
    this.#busy = false;
    await this.save();
  }

  /** @param {Says} theirs */
  #conflict(theirs) {
    const { say } = this.page;
    const mine = { text: this.text.value.trim(), speaker: this.speaker.value.trim() };
    const both = merge(this.from.text, mine.text, theirs.text);
    const take = (/** @type {string} */ label, /** @type {Says} */ says) =>
      h("button", { type: "button", class: "mg-button", click: () => this.#take(says, theirs) }, label);
    const speaker = mine.speaker === this.from.speaker ? theirs.speaker : mine.speaker;
    const other = theirs.speaker !== this.from.speaker && h("p", {}, `${say("speaker")}: ${theirs.speaker || "–"}`);
    fill(
      this.message,
      h("p", {}, h("strong", {}, say("conflict"))),
      h("p", { class: "mg-t-theirs" }, changed(this.from.text, theirs.text)),
      other,
      h("div", { class: "mg-t-edit-end" }, take(say("keep-mine"), mine), take(say("take-theirs"), theirs), both !== null && take(say("take-both"), { text: both, speaker })),
    );
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {Says} says @param {Says} theirs what it says now */
  #take(says, theirs) {
    this.from = theirs;
    [this.text.value, this.speaker.value] = [says.text, says.speaker];
    fill(this.message);
    this.#typed();
    this.focus();
  }

  #typed() {
    this.#grow();
    const typed = { text: this.text.value, speaker: this.speaker.value };
    keep(this.page.outline.transcript, { utterance: this.id, start: this.#start, ...typed, from: this.from });
  }

  #grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(400, this.text.scrollHeight + 2)}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") this.cancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void this.save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

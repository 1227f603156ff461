/** Notes and bookmarks of the recording: set while one listens, listed, jumped to. */

import { get, send, withQuery } from "./api.js";
import { ask, labelled } from "./dialog.js";
import { fill, h } from "../dom.js";
import { icon, iconButton } from "./icons.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./page.js").Mark} Mark */

export class Notes {
  /** @param {Page} page @param {HTMLElement} within @param {AbortSignal} signal */
  constructor(page, within, signal) {
    this.page = page;
    this.within = within;
    this.path = `/v1/recordings/${encodeURIComponent(page.outline.recording)}/notes`;
    this.list = h("ol", { class: "mg-t-items" });
    const { say } = page;
    const buttons = h(
      "div",
      { class: "mg-t-panel-acts" },
      h("button", { type: "button", class: "mg-button", click: () => void this.bookmark() }, icon("bookmark"), say("bookmark")),
      h("button", { type: "button", class: "mg-button", click: () => this.write() }, icon("note"), say("note")),
    );
    this.element = h("div", {}, page.may && buttons, this.list);
    page.addEventListener("notes", () => this.#draw(), { signal });
    this.#draw();
  }

  async load() {
    try {
      this.page.notes = await this.#all();
      this.page.clear("notes");
      this.page.tell("notes");
    } catch (error) {
      this.page.fail(error, "notes");
    }
  }

  /** @returns {Promise<Mark[]>} */
  async #all() {
    const notes = [];
    for (let cursor = null; ; ) {
      const page = await get(withQuery(this.path, { limit: 1000, cursor }));
      notes.push(...page.items);
      cursor = page.next_cursor;
      if (!cursor) return notes;
    }
  }

  /** At what is heard now. */
  async bookmark() {
    if (!this.page.may) return;
    const at = round(this.page.player.position);
    try {
      await send("POST", this.path, { at, text: "" });
      this.page.done(this.page.say("bookmarked", { time: this.page.timeOf(at) }));
    } catch (error) {
      this.page.fail(error);
    }
    await this.load();
  }

  /** Asks for the text of a note, a new one or one that is there. @param {Mark} [note] */
  write(note) {
    const { page, within } = this;
    if (!page.may) return;
    const { say } = page;
    const at = note?.at ?? round(page.player.position);
    const text = h("textarea", { class: "mg-textarea", rows: 4, maxlength: 4000 }, note?.text);
    const channels = page.outline.lanes.map((each) => h("option", { value: each.index, selected: note?.channel === each.index }, each.label));
    const channel = h("select", { class: "mg-select" }, h("option", { value: "" }, say("all-channels")), ...channels);
    const act = async () => {
      const body = { at, channel: channel.value === "" ? null : Number(channel.value), text: text.value.trim() };
      if (note) await send("PATCH", `/v1/notes/${encodeURIComponent(note.id)}`, body);
      else await send("POST", this.path, body);
      await this.load();
    };
    const title = say("note-at", { time: page.timeOf(at) });
    ask({ within, say, title, content: [h("div", { class: "mg-stack mg-t-stack" }, labelled(say("text"), text, say("note-hint")), labelled(say("channel"), channel))], act });
    text.focus();
  }

  /** @param {Mark} note */
  async #remove(note) {
    try {
      await send("DELETE", `/v1/notes/${encodeURIComponent(note.id)}`);
    } catch (error) {
      this.page.fail(error);
    }
    await this.load();
  }

  #draw() {
    const { page } = this;
    if (page.notes.length) fill(this.list, ...page.notes.map((each) => this.#item(each)));
    else fill(this.list, h("li", { class: "mg-muted mg-t-none" }, page.say("no-notes")));
  }

  /** @param {Mark} note */
  #item(note) {
    const { page } = this;
    const { say } = page;
    const lane = note.channel === null ? undefined : page.outline.laneOf.get(note.channel);
    const where = lane === undefined ? "" : page.outline.lanes[lane].label;
    return h(
      "li",
      { class: "mg-t-item" },
      h(
        "div",
        { class: "mg-t-item-head" },
        icon(note.text ? "note" : "bookmark"),
        h("button", { type: "button", class: "mg-t-link", click: () => page.playFrom(note.at) }, page.timeOf(note.at)),
        h("span", { class: "mg-muted mg-small" }, [where, note.author_name].filter(Boolean).join(" · ")),
        h("span", { class: "mg-t-space-between" }),
        page.may && iconButton("pencil", say("edit"), () => this.write(note)),
        page.may && iconButton("remove", say("remove"), () => void this.#remove(note)),
      ),
      note.text && h("p", {}, note.text),
    );
  }
}

/** @param {number} seconds */
function round(seconds) {
  return Math.round(seconds * 1000) / 1000;
}

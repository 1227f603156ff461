/** Every state of the transcript: who made it when and why, what is other, and the way back. */

import { get, send, withQuery } from "./api.js";
import { fill, h } from "../dom.js";
import { changed } from "./row.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {{number: number, created: string, author: string | null, author_name?: string | null, note: string | null, kind: string}} Revision */

export class History {
  /** @type {Revision[]} newest first */
  #revisions = [];

  /** @param {Page} page @param {(to: number) => Promise<void>} restore @param {AbortSignal} signal */
  constructor(page, restore, signal) {
    this.page = page;
    this.restore = restore;
    this.list = h("ol", { class: "mg-t-items mg-t-revisions" });
    this.before = h("select", { class: "mg-select", "aria-label": page.say("before"), change: () => void this.#compare() });
    this.after = h("select", { class: "mg-select", "aria-label": page.say("after"), change: () => void this.#compare() });
    this.found = h("div", { class: "mg-t-differences", "aria-live": "polite" });
    const pair = h("div", { class: "mg-t-pair" }, this.before, h("span", { "aria-hidden": "true" }, "→"), this.after);
    this.element = h("div", {}, this.list, h("h3", {}, page.say("compare")), pair, this.found);
    const again = () => this.element.isConnected && void this.load();
    page.addEventListener("outline", again, { signal });
    page.addEventListener("corrected", again, { signal });
  }

  async load() {
    const { page } = this;
    try {
      this.#revisions = (await get(`${page.path}/revisions`)).reverse();
    } catch (error) {
      return page.fail(error);
    }
    fill(this.list, ...this.#revisions.map((each, at) => this.#item(each, at === 0)));
    for (const [select, at] of /** @type {const} */ ([[this.before, 1], [this.after, 0]])) {
      fill(select, ...this.#revisions.map((each) => h("option", { value: each.number }, page.say("revision", { n: each.number }))));
      select.selectedIndex = Math.min(at, this.#revisions.length - 1);
    }
    await this.#compare();
  }

  /** @param {Revision} revision @param {boolean} current */
  #item(revision, current) {
    const { say, may } = this.page;
    const when = new Date(revision.created).toLocaleString(document.documentElement.lang || undefined, { dateStyle: "medium", timeStyle: "short" });
    const who = revision.author_name ?? (revision.author ? revision.author.slice(0, 8) : "");
    const restore = may && !current && h("button", { type: "button", class: "mg-t-link mg-t-end", click: () => void this.restore(revision.number) }, say("restore"));
    const show = h("button", { type: "button", class: "mg-t-link", click: () => void this.#show(revision.number) }, say("revision", { n: revision.number }));
    return h(
      "li",
      { class: "mg-t-item" },
      h("div", { class: "mg-t-item-head" }, show, h("span", { class: "mg-t-tag" }, say(`kind-${revision.kind}`)), current && h("span", { class: "mg-t-tag" }, say("current")), restore),
      h("p", { class: "mg-muted mg-small" }, [when, who].filter(Boolean).join(" · ")),
      revision.note && h("p", {}, revision.note),
    );
  }

  /** @param {number} number */
  async #show(number) {
    [this.before.value, this.after.value] = [String(Math.max(1, number - 1)), String(number)];
    await this.#compare();
  }

  async #compare() {
    const { page } = this;
    const [before, after] = [this.before.value, this.after.value];
    if (before === after) return fill(this.found, h("p", { class: "mg-muted" }, page.say("no-difference")));
    try {
      const differences = await get(withQuery(`${page.path}/diff`, { before, after }));
      fill(this.found, ...differences.slice(0, 300).map((/** @type {any} */ each) => this.#difference(each)));
      if (!differences.length) fill(this.found, h("p", { class: "mg-muted" }, page.say("no-difference")));
    } catch (error) {
      page.fail(error);
    }
  }

  /** @param {{utterance: string, before: any, after: any}} each */
  #difference({ before, after }) {
    const { page } = this;
    const there = after ?? before;
    const time = h("button", { type: "button", class: "mg-t-link", click: () => page.playFrom(there.start) }, page.timeOf(there.start));
    const who = before?.speaker !== after?.speaker && changed(before?.speaker ?? "", after?.speaker ?? "");
    return h("div", { class: "mg-t-item" }, h("div", { class: "mg-t-item-head" }, time, h("span", { class: "mg-muted mg-small" }, there.channel_label), who), h("p", {}, changed(before?.text ?? "", after?.text ?? "")));
  }
}

/** Goes back to a revision by a new one. @param {Page} page @param {number} to @returns {Promise<number>} its number */
export async function undo(page, to) {
  const { number } = await send("POST", `${page.path}/undo`, { base_revision: page.outline.revision, to });
  await page.renew();
  return number;
}

/** A line of the list: one utterance, or several that are folded. Elements, and no state. */

import { h } from "../dom.js";
import { iconButton } from "./icons.js";
import { diff } from "./diff.js";
import { marked } from "./marks.js";
import { FLAG } from "./outline.js";
import { steps } from "./rules.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./texts.js").Utterance} Utterance */
/** @typedef {import("./rows.js").Row} Row */

/** Several that are folded. @param {Page} page @param {Row} row */
export function foldedRow(page, row) {
  const kinds = [0, 0];
  for (let at = row.first; at < row.first + row.count; at++) {
    kinds[page.outline.flags[at] & FLAG.suppressed ? 1 : 0]++;
  }
  const [duplicates, suppressed] = kinds;
  const told = [
    duplicates && page.say("n-duplicates", { n: duplicates }),
    suppressed && page.say("n-suppressed", { n: suppressed }),
  ].filter(Boolean);
  const open = h("button", { type: "button", class: "mg-t-fold", "data-do": "unfold" }, told.join(" · "));
  return h("div", { class: "mg-t-row mg-t-folded", "data-row": "", role: "listitem" }, h("span", { class: "mg-t-when" }), open);
}

/**
 * One utterance; without its text while that is on its way.
 * @param {Page} page
 * @param {number} position
 */
export function utteranceRow(page, position) {
  const { outline, say } = page;
  const utterance = page.texts.get(position);
  const flags = outline.flags[position];
  const time = page.timeOf(outline.start[position]);
  const row = h(
    "div",
    { class: "mg-t-row", role: "listitem", tabindex: -1, "data-position": position },
    h("button", { type: "button", class: "mg-t-when", "data-do": "play", title: say("play-from", { time }) }, time),
    chip(page, position),
    h("div", { class: "mg-t-said" }, ...said(page, position, utterance), tags(page, flags, utterance)),
    h(
      "div",
      { class: "mg-t-acts" },
      iconButton("link", say("copy-link"), () => {}, { "data-do": "link" }),
      page.may && iconButton("pencil", say("edit"), () => {}, { "data-do": "edit" }),
    ),
  );
  if (flags & FLAG.duplicate) row.classList.add("mg-t-duplicate");
  if (flags & FLAG.suppressed) row.classList.add("mg-t-suppressed");
  if (!utterance) row.setAttribute("aria-busy", "true");
  return row;
}

/** Who speaks on which channel. @param {Page} page @param {number} position */
function chip(page, position) {
  const label = page.labelOf(position);
  const speaker = page.outline.speakerOf(position);
  const dot = h("span", { class: `mg-t-dot mg-t-c${page.colourOf(position)}`, "aria-hidden": "true" });
  const text = h("span", { class: "mg-t-who" }, speaker || label);
  const where = speaker ? h("span", { class: "mg-t-where" }, label) : null;
  if (!page.may) return h("span", { class: "mg-t-chip", title: label }, dot, text, where);
  const title = page.say("rename-speaker");
  return h("button", { type: "button", class: "mg-t-chip", title, "data-do": "rename" }, dot, text, where);
}

/** @param {Page} page @param {number} position @param {Utterance | undefined} utterance */
function said(page, position, utterance) {
  if (!utterance) return [skeleton(page.outline.end[position] - page.outline.start[position])];
  const text = h("p", { class: "mg-t-text" }, ...words(page, position, utterance));
  return page.raw ? [text, raw(page, utterance)] : [text];
}

/** @param {number} seconds */
function skeleton(seconds) {
  const bar = h("span", { class: "mg-t-skeleton", "aria-hidden": "true" });
  bar.style.width = `${Math.min(95, 8 + seconds * 9)}%`;
  return bar;
}

/** @param {Page} page @param {number} position @param {Utterance} utterance */
function words(page, position, utterance) {
  const parts = page.hits.find((each) => each.position === position)?.parts ?? [];
  const list = utterance.words.length ? utterance.words.map((each) => each.text) : [utterance.text];
  if (!utterance.text) return [h("span", { class: "mg-muted" }, page.say("no-text"))];
  return marked(list, parts).flatMap((bits, at) => {
    const children = bits.map((bit) => (bit.marked ? h("mark", {}, bit.text) : bit.text));
    const space = at > 0 && /^\s/.test(list[at]) ? " " : "";
    const word = utterance.words[at];
    if (!word) return [space, h("span", {}, ...children)];
    const unsure = word.confidence !== null && word.confidence < page.outline.unsure;
    const title = unsure ? page.say("confidence", { percent: Math.round(100 * /** @type {number} */ (word.confidence)) }) : null;
    return [space, h("span", { class: unsure ? "mg-t-word mg-t-unsure" : "mg-t-word", "data-word": at, title }, ...children)];
  });
}

/** What the engine gave, and what the rules made of it. @param {Page} page @param {Utterance} utterance */
function raw(page, utterance) {
  const same = utterance.raw_text.trim() === utterance.text.trim();
  if (same && !utterance.changes.length) return null;
  const rules = steps(utterance.raw_text, utterance.changes).map((each) =>
    h("li", {}, h("code", {}, each.rule), " ", h("del", {}, each.before || "∅"), " → ", h("ins", {}, each.after || "∅")),
  );
  return h(
    "div",
    { class: "mg-t-raw" },
    !same && h("p", {}, h("span", { class: "mg-t-tag" }, page.say("raw")), " ", changed(utterance.raw_text, utterance.text)),
    rules.length > 0 && h("ul", { class: "mg-t-rules" }, ...rules),
  );
}

/** What is other, word by word. @param {string} before @param {string} after */
export function changed(before, after) {
  const kinds = /** @type {const} */ ({ same: "span", gone: "del", new: "ins" });
  return h("span", { class: "mg-t-diff" }, ...diff(before, after).map(({ kind, text }) => h(kinds[kind], {}, text)));
}

/** @param {Page} page @param {number} flags @param {Utterance | undefined} utterance */
function tags(page, flags, utterance) {
  const { say, outline } = page;
  const told = [];
  if (flags & FLAG.duplicate) {
    const other = outline.positionOf.get(utterance?.duplicate_of ?? "");
    told.push(other === undefined ? say("duplicate") : say("heard-better", { channel: page.labelOf(other) }));
  }
  if (flags & FLAG.suppressed) told.push(say("suppressed", { rule: utterance?.suppressed ?? "" }));
  if (flags & FLAG.corrected) told.push(say("corrected"));
  return told.length > 0 && h("p", { class: "mg-t-tags" }, ...told.map((each) => h("span", { class: "mg-t-tag" }, each)));
}

/**
 * What the keys do, in one table that is also shown. Letters are taken by their place on the
 * keyboard, so that they work while Hangul is typed. Nothing is taken from somebody who types.
 */

import { ask } from "./dialog.js";
import { h } from "../dom.js";

/** @typedef {{keys: string[], word: string, when: (event: KeyboardEvent) => boolean, act: () => void}} Key */

const letter = (/** @type {string} */ which) => (/** @type {KeyboardEvent} */ event) => event.code === `Key${which}` && !event.shiftKey && !command(event);
const named = (/** @type {string} */ key, shift = false) => (/** @type {KeyboardEvent} */ event) => event.key === key && event.shiftKey === shift && !command(event);
const command = (/** @type {KeyboardEvent} */ event) => event.ctrlKey || event.metaKey || event.altKey;
const withCommand = (/** @type {string} */ which, shift = false) => (/** @type {KeyboardEvent} */ event) => event.code === `Key${which}` && event.shiftKey === shift && (event.ctrlKey || event.metaKey) && !event.altKey;

/** @param {Record<string, (...values: any[]) => void>} acts @returns {Key[]} */
export function keysOf(acts) {
  return [
    { keys: ["Space", "K"], word: "key-play", when: (event) => named(" ")(event) || letter("K")(event), act: acts.toggle },
    { keys: ["←"], word: "key-back-5", when: named("ArrowLeft"), act: () => acts.move(-5) },
    { keys: ["→"], word: "key-ahead-5", when: named("ArrowRight"), act: () => acts.move(5) },
    { keys: ["Shift ←"], word: "key-back-1", when: named("ArrowLeft", true), act: () => acts.move(-1) },
    { keys: ["Shift →"], word: "key-ahead-1", when: named("ArrowRight", true), act: () => acts.move(1) },
    { keys: ["J"], word: "key-slower", when: letter("J"), act: () => acts.shuttle(-1) },
    { keys: ["L"], word: "key-faster", when: letter("L"), act: () => acts.shuttle(1) },
    { keys: ["↑"], word: "key-previous", when: named("ArrowUp"), act: () => acts.utterance(-1) },
    { keys: ["↓"], word: "key-next", when: named("ArrowDown"), act: () => acts.utterance(1) },
    { keys: ["Enter"], word: "key-edit", when: named("Enter"), act: acts.edit },
    { keys: ["/"], word: "key-search", when: named("/"), act: acts.search },
    { keys: ["B"], word: "key-bookmark", when: letter("B"), act: acts.bookmark },
    { keys: ["N"], word: "key-note", when: letter("N"), act: acts.note },
    { keys: ["F"], word: "key-follow", when: letter("F"), act: acts.follow },
    { keys: ["+"], word: "key-closer", when: (event) => (event.key === "+" || event.key === "=") && !command(event), act: () => acts.zoom(0.5) },
    { keys: ["−"], word: "key-farther", when: named("-"), act: () => acts.zoom(2) },
    { keys: ["Ctrl Z"], word: "key-undo", when: withCommand("Z"), act: acts.undo },
    { keys: ["Ctrl Shift Z"], word: "key-redo", when: (event) => withCommand("Z", true)(event) || withCommand("Y")(event), act: acts.redo },
    { keys: ["Esc"], word: "key-cancel", when: named("Escape"), act: acts.close },
    { keys: ["?"], word: "key-help", when: (event) => event.key === "?" && !command(event), act: acts.help },
  ];
}

/** @param {Key[]} keys @param {HTMLElement} page @param {AbortSignal} signal */
export function listen(keys, page, signal) {
  const take = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.isComposing || isMeantForAnother(event, page)) return;
    const found = keys.find((each) => each.when(event));
    if (!found) return;
    event.preventDefault();
    found.act();
  };
  document.addEventListener("keydown", take, { signal });
}

/** @param {KeyboardEvent} event @param {HTMLElement} page */
function isMeantForAnother(event, page) {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (document.querySelector("dialog[open]")) return true;
  if (target !== document.body && !page.contains(target)) return target.matches("input, textarea, select, button, a");
  if (target instanceof HTMLInputElement && target.type === "range") return event.key.startsWith("Arrow");
  if (target instanceof HTMLInputElement && ["checkbox", "radio"].includes(target.type)) return event.key === " " || event.key.startsWith("Arrow");
  if (target.matches("input, textarea, select") || target.isContentEditable) return true;
  // A button takes space and Enter from whoever came to it by the keyboard, not after a click.
  const pressed = event.key === " " || event.key === "Enter";
  return pressed && target.matches("button:focus-visible, a:focus-visible, summary:focus-visible");
}

/** The list of them. @param {Key[]} keys @param {HTMLElement} within @param {import("./page.js").Say} say */
export function keysDialog(keys, within, say) {
  const all = [...keys.map(({ keys: names, word }) => ({ names, word })), { names: ["Ctrl Enter"], word: "key-save" }];
  const rows = all.map(({ names, word }) => h("div", { class: "mg-t-key" }, h("dt", {}, ...names.flatMap((name) => name.split(" ").map((each) => h("kbd", {}, each)))), h("dd", {}, say(word))));
  ask({ within, say, title: say("keys"), content: [h("dl", { class: "mg-t-keys" }, ...rows)] });
}

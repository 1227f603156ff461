/** The line above the lanes: the name, search, how it is shown, and what can be done. */

import { FLAG } from "./outline.js";
import { fill, h } from "../dom.js";
import { icon, iconButton } from "./icons.js";

/** @typedef {import("./page.js").Page} Page */

/**
 * @param {Page} page
 * @param {Element} find
 * @param {Record<string, (...values: any[]) => void>} acts
 * @param {AbortSignal} signal
 */
export function tools(page, find, acts, signal) {
  const { say } = page;
  const name = h("h1", { class: "mg-t-title" }, page.outline.name);
  const undo = iconButton("undo", say("key-undo"), acts.undo);
  const redo = iconButton("redo", say("key-redo"), acts.redo);
  const panel = (/** @type {"note" | "history"} */ drawn, /** @type {string} */ which) =>
    iconButton(drawn, say(which), () => acts[which](), { "aria-pressed": "false", "data-panel": which });
  const element = h(
    "div",
    { class: "mg-t-tools" },
    name,
    find,
    viewMenu(page, signal),
    page.may && h("span", { class: "mg-t-group" }, undo, redo),
    h("span", { class: "mg-t-group" }, panel("note", "notes"), panel("history", "history")),
    h("span", { class: "mg-t-group" }, iconButton("export", say("export"), acts.export), iconButton("link", say("copy-link"), acts.link, { class: "mg-button mg-quiet mg-icon mg-t-only-wide" }), iconButton("keys", say("keys"), acts.help, { class: "mg-button mg-quiet mg-icon mg-t-only-wide" })),
  );
  page.addEventListener("outline", () => fill(name, page.outline.name));
  return { element, undo, redo };
}

/** @param {Page} page @param {AbortSignal} signal */
function viewMenu(page, signal) {
  const { say, outline } = page;
  const count = (/** @type {number} */ flag) => outline.flags.reduce((sum, each) => sum + Number((each & flag) !== 0), 0);
  const check = (/** @type {string} */ label, /** @type {boolean} */ checked, /** @type {(on: boolean) => void} */ set, disabled = false) =>
    h("label", { class: "mg-check" }, h("input", { type: "checkbox", checked, disabled, change: (/** @type {Event} */ event) => set(/** @type {HTMLInputElement} */ (event.target).checked) }), label);
  const show = (/** @type {number} */ flag) => (/** @type {boolean} */ on) => page.show({ shown: on ? page.shown | flag : page.shown & ~flag });
  const colour = (/** @type {"speaker" | "channel"} */ by) =>
    h("label", { class: "mg-check" }, h("input", { type: "radio", name: "mg-t-colour", value: by, checked: page.colourBy === by, change: () => page.show({ colourBy: by }) }), say(`by-${by}`));
  const menu = h(
    "details",
    { class: "mg-t-menu", keydown: escape },
    h("summary", { class: "mg-button" }, icon("view"), say("view")),
    h(
      "div",
      { class: "mg-t-menu-body" },
      h("div", { role: "group", "aria-label": say("show") },
        check(say("show-duplicates", { n: count(FLAG.duplicate) }), false, show(FLAG.duplicate)),
        check(say("show-suppressed", { n: count(FLAG.suppressed) }), false, show(FLAG.suppressed)),
        check(say("show-raw"), false, (raw) => page.show({ raw })),
        check(say("show-wall"), false, (wall) => page.show({ wall }), outline.started === null),
      ),
      h("fieldset", { class: "mg-t-choices" }, h("legend", { class: "mg-label" }, say("colours")), colour("speaker"), colour("channel")),
    ),
  );
  const elsewhere = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  };
  document.addEventListener("pointerdown", elsewhere, { signal });
  document.addEventListener("focusin", elsewhere, { signal });
  return menu;
}

/** @param {KeyboardEvent} event */
function escape(event) {
  const menu = /** @type {HTMLDetailsElement} */ (event.currentTarget);
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
  event.stopPropagation();
}

/** A question on top of the page: the browser's own dialog, so that focus and Escape are right. */

import { fill, h } from "../dom.js";
import { doorOf, said } from "./page.js";

/**
 * @typedef {object} Asked
 * @property {HTMLElement} within
 * @property {import("./page.js").Say} say
 * @property {string} title
 * @property {import("../dom.js").Child[]} content
 * @property {string} [label] of the button that does it; without one there is only "close"
 * @property {() => Promise<void>} [act] what it does; it stays open with the reason where that fails
 */

/** @param {Asked} asked */
export function ask({ within, say, title, content, label, act }) {
  const message = h("div", { role: "alert", class: "mg-t-message" });
  const back = document.activeElement;
  const close = h("button", { type: "button", class: "mg-button", click: () => dialog.close() }, say(act ? "cancel" : "close"));
  const go = act && h("button", { type: "submit", class: "mg-button mg-primary" }, label ?? say("save"));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!act || !go || go.disabled) return;
    go.disabled = true;
    fill(message);
    try {
      await act();
      dialog.close();
    } catch (error) {
      const { text, act: acts = [] } = said(error, say);
      fill(message, text, " ", ...acts.map(doorOf));
    }
    go.disabled = false;
  };
  const heading = h("h2", { id: "mg-t-dialog-title" }, title);
  const form = h("form", { submit }, heading, ...content, message, h("div", { class: "mg-dialog-end" }, close, go));
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    event.stopPropagation();
  };
  const dialog = h("dialog", { class: "mg-dialog mg-t-dialog", "aria-labelledby": heading.id, keydown }, form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (back instanceof HTMLElement) back.focus({ preventScroll: true });
  });
  within.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A field with its label. @param {string} label @param {HTMLElement} field @param {string} [hint] */
export function labelled(label, field, hint) {
  return h("label", { class: "mg-field" }, h("span", { class: "mg-label" }, label), field, hint && h("span", { class: "mg-hint mg-muted mg-small" }, hint));
}

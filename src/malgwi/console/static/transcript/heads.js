/** The head of each lane: its name, and its strip of the mixer. On narrow screens only chips. */

import { h } from "../dom.js";

/** @typedef {import("./page.js").Page} Page */

export class Heads {
  /** @param {Page} page @param {(lane: number) => void} rename */
  constructor(page, rename) {
    this.page = page;
    this.rename = rename;
    this.element = h("div", { class: "mg-t-heads" });
    this.chips = h("div", { class: "mg-t-chips", role: "group", "aria-label": page.say("channels") });
    page.addEventListener("outline", () => this.draw());
    page.addEventListener("mixer", () => this.#show());
    page.addEventListener("view", () => this.#show());
    this.draw();
  }

  draw() {
    this.element.replaceChildren(...this.page.outline.lanes.map((_, lane) => this.#head(lane)));
    this.chips.replaceChildren(...this.page.outline.lanes.map((_, lane) => this.#chip(lane)));
    this.#show();
  }

  /** @param {number} lane */
  #head(lane) {
    const { page } = this;
    const { say } = page;
    const { label } = page.outline.lanes[lane];
    const values = { channel: label };
    const name = page.may
      ? h("button", { type: "button", class: "mg-t-name", title: say("rename-channel", values), click: () => this.rename(lane) }, label)
      : h("span", { class: "mg-t-name", title: label }, label);
    const toggle = (/** @type {"solo" | "muted"} */ what, /** @type {string} */ letter) =>
      h("button", {
        type: "button",
        class: `mg-t-toggle mg-t-${what}`,
        "aria-label": say(what, values),
        title: say(what, values),
        click: () => page.strip(lane, { [what]: !page.strips[lane][what] }),
      }, letter);
    const input = (/** @type {Event} */ event) =>
      page.strip(lane, { volume: Number(/** @type {HTMLInputElement} */ (event.target).value) });
    const range = { type: "range", min: 0, max: 1.5, step: 0.05, value: page.strips[lane].volume };
    const volume = h("input", { ...range, class: "mg-t-volume", "aria-label": say("volume", values), title: say("volume", values), input });
    const head = h("div", { class: "mg-t-head", role: "group", "aria-label": label }, dot(page, lane), name, toggle("solo", "S"), toggle("muted", "M"), volume);
    return head;
  }

  /** @param {number} lane */
  #chip(lane) {
    const { page } = this;
    const { label } = page.outline.lanes[lane];
    const click = () => page.strip(lane, { solo: !page.strips[lane].solo });
    const title = page.say("solo", { channel: label });
    return h("button", { type: "button", class: "mg-t-chip mg-t-channel", title, click }, dot(page, lane), label);
  }

  #show() {
    for (const each of [this.element, this.chips]) each.classList.toggle("mg-t-plain", this.page.colourBy !== "channel");
    this.page.outline.lanes.forEach((_, lane) => {
      const { solo, muted } = this.page.strips[lane];
      const [head, chip] = [this.element.children[lane], this.chips.children[lane]];
      head.querySelector(".mg-t-solo")?.setAttribute("aria-pressed", String(solo));
      head.querySelector(".mg-t-muted")?.setAttribute("aria-pressed", String(muted));
      head.classList.toggle("mg-t-silent", !this.page.heard(lane));
      chip.setAttribute("aria-pressed", String(solo));
      chip.classList.toggle("mg-t-silent", !this.page.heard(lane));
    });
  }
}

/** @param {Page} page @param {number} lane */
function dot(page, lane) {
  return h("span", { class: `mg-t-dot mg-t-c${page.laneColour(lane)}`, "aria-hidden": "true" });
}

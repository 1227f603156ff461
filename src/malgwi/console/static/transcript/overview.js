/** The whole recording in a strip: how much is said when, the window of the timeline, the moment. */

import { density, moment, panned, pixel, within } from "./axis.js";
import { h } from "../dom.js";
import { sized } from "./paint.js";

const HEIGHT = 40;
const DRAG = 4; // pixels before a click is a drag

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./axis.js").View} View */

export class Overview {
  #width = 0;
  /** @type {View} */
  #view = { from: 0, to: 1 };

  /** @param {Page} page @param {(view: View) => void} look */
  constructor(page, look) {
    this.page = page;
    this.look = look;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.window = h("div", { class: "mg-t-window" });
    this.head = h("div", { class: "mg-t-playhead" });
    this.element = h(
      "div",
      {
        class: "mg-t-overview",
        role: "slider",
        tabindex: 0,
        "aria-label": page.say("position"),
        "aria-valuemin": 0,
        "aria-valuemax": Math.round(page.outline.duration),
        pointerdown: (/** @type {PointerEvent} */ event) => this.#grab(event),
        keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      },
      this.canvas,
      this.window,
      this.head,
    );
    this.element.style.height = `${HEIGHT}px`;
  }

  /** @param {import("./paint.js").Paint} paint @param {number} width */
  draw(paint, width) {
    if (width <= 0) return;
    const { outline } = this.page;
    this.#width = width;
    const canvas = sized(this.canvas, width, HEIGHT);
    const room = (HEIGHT - 6) / outline.lanes.length;
    outline.lanes.forEach((lane, at) => {
      canvas.fillStyle = this.page.colourBy === "channel" ? paint.lanes[this.page.laneColour(at)] : paint.muted;
      density(outline, lane, Math.ceil(width)).forEach((said, x) => {
        if (!said) return;
        canvas.globalAlpha = 0.3 + 0.7 * said;
        canvas.fillRect(x, 3 + at * room, 1, Math.max(1, room - 1));
      });
    });
    canvas.globalAlpha = 1;
    canvas.fillStyle = paint.mark;
    for (const { at } of this.page.notes) canvas.fillRect(this.#x(at) - 1, 0, 2, 5);
    canvas.fillStyle = paint.text;
    for (const { start } of this.page.hits) canvas.fillRect(this.#x(start), HEIGHT - 4, 1, 4);
    this.show(this.#view);
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const left = this.#x(view.from);
    this.window.style.transform = `translateX(${left}px)`;
    this.window.style.width = `${Math.max(6, this.#x(view.to) - left)}px`;
  }

  /** @param {number} time */
  now(time) {
    this.head.style.transform = `translateX(${this.#x(time)}px)`;
    const second = String(Math.round(time));
    if (this.element.getAttribute("aria-valuenow") === second) return;
    this.element.setAttribute("aria-valuenow", second);
    this.element.setAttribute("aria-valuetext", this.page.timeOf(time));
  }

  /** @param {number} time */
  #x(time) {
    return pixel({ from: 0, to: this.page.outline.duration || 1 }, this.#width, time);
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0) return;
    const { duration } = this.page.outline;
    const left = this.element.getBoundingClientRect().left;
    const timeAt = (/** @type {PointerEvent} */ each) =>
      moment({ from: 0, to: duration }, this.#width, each.clientX - left);
    const began = { x: event.clientX, time: timeAt(event), view: this.#view };
    const inside = began.time >= began.view.from && began.time <= began.view.to;
    const length = began.view.to - began.view.from;
    const from = inside ? began.view : within({ from: began.time - length / 2, to: began.time + length / 2 }, duration);
    let dragged = false;
    const over = new AbortController();
    const { signal } = over;
    this.element.setPointerCapture(event.pointerId);
    this.element.addEventListener("pointermove", (move) => {
      dragged ||= Math.abs(move.clientX - began.x) > DRAG;
      if (dragged) this.look(panned(from, timeAt(move) - began.time, duration));
    }, { signal });
    this.element.addEventListener("pointercancel", () => over.abort(), { signal });
    this.element.addEventListener("pointerup", () => {
      over.abort();
      if (!dragged) this.page.playFrom(began.time);
    }, { signal });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { player, outline } = this.page;
    /** @type {Record<string, number>} */
    const to = {
      Home: 0,
      End: outline.duration,
      PageUp: player.position - outline.duration / 20,
      PageDown: player.position + outline.duration / 20,
    };
    if (!(event.key in to)) return;
    event.preventDefault();
    this.page.seek(to[event.key]);
  }
}

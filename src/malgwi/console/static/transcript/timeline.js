/**
 * The lanes over time: a canvas with a lane a channel, the axis above it, the overview above that.
 * Redraws what is in view when the view, the theme or the transcript changes; the moment that is
 * heard is a line of its own that only moves.
 */

import { KIND, moment, panned, pixel, runs, ticks, within, zoomed } from "./axis.js";
import { ofDay, sinceMidnight, spoken } from "./clock.js";
import { h } from "../dom.js";
import { iconButton } from "./icons.js";
import { Heads } from "./heads.js";
import { beyond } from "./outline.js";
import { Overview } from "./overview.js";
import { paintOf, sized, whenRepainted } from "./paint.js";

const AXIS = 34;
const DRAG = 4; // pixels before a click is a drag
const READABLE = 200; // utterances in view at most for which texts are fetched
const OPENING = 120; // s in view at first

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./axis.js").View} View */

export class Timeline {
  /** @type {import("./paint.js").Paint | undefined} */
  #paint;
  /** @type {CanvasPattern | null | undefined} over what is unsure */
  #hatch;
  #width = 0;
  #waiting = false;
  /** @type {Map<number, PointerEvent>} fingers and the mouse */
  #pointers = new Map();
  #panned = false;

  /** @param {Page} page @param {(lane: number) => void} rename @param {AbortSignal} signal */
  constructor(page, rename, signal) {
    this.page = page;
    const { duration, lanes } = page.outline;
    this.view = within({ from: 0, to: Math.min(duration, OPENING) }, duration);
    this.laneHeight = [64, 64, 52, 44, 40][lanes.length] ?? (lanes.length > 8 ? 28 : 34);
    this.heads = new Heads(page, rename);
    this.overview = new Overview(page, (view) => this.look(view));
    this.axis = h("canvas", { class: "mg-t-axis", "aria-hidden": "true", click: (/** @type {MouseEvent} */ event) => this.#mark(event) });
    this.canvas = h("canvas", { class: "mg-t-canvas", role: "img", "aria-label": page.say("lanes") });
    this.head = h("div", { class: "mg-t-playhead" });
    this.tip = h("div", { class: "mg-t-tip", hidden: true, "aria-hidden": "true" });
    this.field = h("div", { class: "mg-t-field" }, this.canvas, this.head);
    this.scroll = h("div", { class: "mg-t-lanes", tabindex: -1 }, this.heads.element, this.field);
    this.element = h(
      "section",
      { class: "mg-t-timeline", "aria-label": page.say("timeline") },
      this.#corner(),
      this.overview.element,
      h("div", { class: "mg-t-axis-head" }, page.say("n-channels", { n: lanes.length })),
      this.axis,
      this.scroll,
      this.heads.chips,
      this.tip,
    );
    this.element.style.setProperty("--mg-t-lane", `${this.laneHeight}px`);
    this.#listen(signal);
  }

  #corner() {
    const { say, outline } = this.page;
    const middle = () => (this.#inView(this.page.player.position) ? this.page.player.position : (this.view.from + this.view.to) / 2);
    return h(
      "div",
      { class: "mg-t-zoom", role: "group", "aria-label": say("zoom") },
      iconButton("closer", say("closer"), () => this.zoom(0.5, middle())),
      iconButton("farther", say("farther"), () => this.zoom(2, middle())),
      iconButton("whole", say("whole"), () => this.look({ from: 0, to: outline.duration })),
    );
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    for (const type of ["outline", "corrected", "view", "notes", "found"]) {
      this.page.addEventListener(type, () => this.#later(), { signal });
    }
    this.page.texts.addEventListener("page", () => this.#later(), { signal });
    whenRepainted(() => this.#repaint(), signal);
    const watch = new ResizeObserver(() => this.#later());
    watch.observe(this.field);
    watch.observe(this.overview.element);
    signal.addEventListener("abort", () => watch.disconnect());
    this.field.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.field.addEventListener("pointerdown", (event) => this.#down(event));
    this.field.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.field.addEventListener(type, (event) => this.#up(event));
    }
    this.field.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  #repaint() {
    this.#paint = this.#hatch = undefined;
    this.#later();
  }

  /** @param {View} view */
  look(view) {
    this.view = within(view, this.page.outline.duration);
    this.#later();
  }

  /** @param {number} factor @param {number} at */
  zoom(factor, at) {
    this.look(zoomed(this.view, factor, at, this.page.outline.duration));
  }

  /** @param {number} time @param {boolean} [keep] whether it is to be in view */
  now(time, keep = false) {
    this.overview.now(time);
    this.head.style.transform = `translateX(${pixel(this.view, this.#width, time)}px)`;
    this.head.hidden = !this.#inView(time);
    if (!keep || this.#pointers.size) return;
    const length = this.view.to - this.view.from;
    if (this.#inView(time) && time < this.view.to - length * 0.08) return;
    if (length < this.page.outline.duration) this.look({ from: time - length * 0.1, to: time + length * 0.9 });
  }

  /** @param {number} time */
  #inView(time) {
    return time >= this.view.from && time <= this.view.to;
  }

  #later() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#draw();
    });
  }

  #draw() {
    this.#paint ??= paintOf(this.element);
    const wide = this.overview.element.clientWidth;
    if (wide !== this.#drawn.width || this.#drawn.of !== this.#state()) {
      this.#drawn = { width: wide, of: this.#state(), paint: this.#paint };
      this.overview.draw(this.#paint, wide);
    }
    this.overview.show(this.view);
    this.#width = this.field.clientWidth;
    if (this.#width > 0) {
      this.#drawAxis(this.#paint);
      this.#drawLanes(this.#paint);
      this.#read();
    }
    this.now(this.page.player.position);
  }

  /** @type {{width: number, of: string, paint: import("./paint.js").Paint | undefined}} the overview, as it was drawn last */
  #drawn = { width: -1, of: "", paint: undefined };

  /** What the overview shows beside the view. */
  #state() {
    const { outline, notes, hits } = this.page;
    const found = `${hits.length} ${hits[0]?.start} ${hits.at(-1)?.start}`;
    return `${outline.revision} ${this.page.colourBy} ${notes.map((each) => each.at)} ${found} ${this.#paint?.text}`;
  }

  /** @param {import("./paint.js").Paint} paint */
  #drawAxis(paint) {
    const { page } = this;
    const canvas = sized(this.axis, this.#width, AXIS);
    const { started } = page.outline;
    const wall = page.wall && started !== null;
    const { step, times } = ticks(this.view, this.#width, 88, wall ? sinceMidnight(started) : 0);
    canvas.font = `11px ${paint.font}`;
    canvas.textBaseline = "alphabetic";
    for (const time of times) {
      const x = Math.round(this.#x(time)) + 0.5;
      canvas.fillStyle = paint.line;
      canvas.fillRect(x, AXIS - 7, 1, 7);
      canvas.fillStyle = paint.muted;
      const label = wall ? ofDay(started, time + 1e-6) : spoken(time, step < 1 ? 1 : 0);
      if (x + 4 < this.#width - 20) canvas.fillText(label, x + 4, AXIS - 5);
    }
    for (const [at, hit] of page.hits.entries()) {
      const x = this.#x(hit.start);
      if (x < -6 || x > this.#width + 6) continue;
      canvas.fillStyle = at === page.hit ? paint.accent : paint.muted;
      canvas.beginPath();
      canvas.moveTo(x - 4, 2);
      canvas.lineTo(x + 4, 2);
      canvas.lineTo(x, 9);
      canvas.fill();
    }
    canvas.fillStyle = paint.mark;
    for (const { at, text } of page.notes) {
      const x = this.#x(at);
      if (x < -8 || x > this.#width + 8) continue;
      canvas.fillRect(x - 1, 1, 2, 14);
      if (text) canvas.fillRect(x, 1, 9, 8);
      else {
        canvas.beginPath();
        canvas.moveTo(x, 1);
        canvas.lineTo(x + 9, 5);
        canvas.lineTo(x, 9);
        canvas.fill();
      }
    }
  }

  /** @param {import("./paint.js").Paint} paint */
  #drawLanes(paint) {
    const { page, laneHeight } = this;
    const { lanes } = page.outline;
    const canvas = sized(this.canvas, this.#width, lanes.length * laneHeight);
    canvas.font = `11px ${paint.font}`;
    canvas.textBaseline = "middle";
    const colour = (/** @type {number} */ position) => page.colourOf(position);
    const hatch = (this.#hatch ??= hatched(canvas, paint.surface));
    lanes.forEach((lane, at) => {
      const top = at * laneHeight;
      canvas.fillStyle = paint.line;
      canvas.fillRect(0, top + laneHeight - 1, this.#width, 1);
      const drawn = runs(page.outline, lane, this.view, this.#width, colour);
      for (const [each, style] of paint.lanes.entries()) {
        canvas.fillStyle = canvas.strokeStyle = style; // once: it is the dear part of a rectangle
        for (const run of drawn) if (run.colour === each) block(canvas, run, top + 4, laneHeight - 9, hatch);
      }
      this.#drawTexts(canvas, paint, lane, top);
    });
  }

  /** @param {CanvasRenderingContext2D} canvas @param {import("./paint.js").Paint} paint @param {import("./outline.js").Lane} lane @param {number} top */
  #drawTexts(canvas, paint, lane, top) {
    const { page, laneHeight } = this;
    if (this.#inSight() > READABLE) return;
    for (let at = beyond(lane.ends, this.view.from); at < lane.positions.length; at++) {
      const position = lane.positions[at];
      if (page.outline.start[position] >= this.view.to) break;
      const left = Math.max(0, this.#x(page.outline.start[position]));
      const right = Math.min(this.#width, this.#x(page.outline.end[position]));
      const text = page.texts.get(position)?.text;
      if (!text || right - left < 30) continue;
      canvas.save();
      canvas.beginPath();
      canvas.rect(left + 2, top, right - left - 6, laneHeight);
      canvas.clip();
      const hollow = page.outline.flags[position] & 6;
      canvas.fillStyle = hollow ? paint.muted : page.outline.flags[position] & 1 ? paint.text : paint.surface;
      canvas.fillText(text, left + 6, top + laneHeight / 2);
      canvas.restore();
    }
  }

  /** How many utterances are in view. */
  #inSight() {
    const { start } = this.page.outline;
    return beyond(start, this.view.to) - beyond(start, this.view.from);
  }

  /** Fetches the texts of what is in view, where they can be read. */
  #read() {
    const { start } = this.page.outline;
    const [first, last] = [beyond(start, this.view.from), beyond(start, this.view.to)];
    if (this.#pointers.size === 0 && last > first && last - first <= READABLE) {
      this.page.texts.want("lanes", first, last - 1);
    }
  }

  /** @param {number} time */
  #x(time) {
    return pixel(this.view, this.#width, time);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const at = moment(this.view, this.#width, event.offsetX);
    const pixels = event.deltaMode ? 30 : 1;
    const scrolls = this.scroll.scrollHeight > this.scroll.clientHeight + 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp((event.deltaY * pixels) / 300), at);
      return;
    }
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    const along = sideways || (event.shiftKey || !scrolls ? event.deltaY : 0);
    if (!along) return;
    event.preventDefault();
    this.#pan(along * pixels);
  }

  /** @param {number} pixels */
  #pan(pixels) {
    const seconds = (pixels / this.#width) * (this.view.to - this.view.from);
    this.page.follow(false);
    this.look(panned(this.view, seconds, this.page.outline.duration));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    if (!this.#pointers.size) this.#panned = false;
    this.#pointers.set(event.pointerId, event);
    this.#from = event.clientX;
    this.field.setPointerCapture(event.pointerId);
  }

  #from = 0;

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.#hover(event);
    const other = [...this.#pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) this.#pinch(before, event, other);
    else if (this.#panned || Math.abs(event.clientX - this.#from) > DRAG) {
      this.#pan((this.#panned ? before.clientX : this.#from) - event.clientX);
      this.#panned = true;
      this.tip.hidden = true;
    }
    this.#pointers.set(event.pointerId, event);
  }

  /** @param {PointerEvent} before @param {PointerEvent} now @param {PointerEvent} other */
  #pinch(before, now, other) {
    const left = this.field.getBoundingClientRect().left;
    const apart = (/** @type {PointerEvent} */ each) => Math.max(20, Math.abs(each.clientX - other.clientX));
    const middle = moment(this.view, this.#width, (now.clientX + other.clientX) / 2 - left);
    this.#panned = true;
    this.zoom(apart(before) / apart(now), middle);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    this.#later();
    if (event.type === "pointerup" && !this.#panned && !this.#pointers.size) {
      this.page.playFrom(moment(this.view, this.#width, this.#offset(event)));
    }
  }

  /** @param {PointerEvent} event */
  #offset(event) {
    return event.clientX - this.field.getBoundingClientRect().left;
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const time = moment(this.view, this.#width, this.#offset(event));
    const lane = Math.floor((event.clientY - this.field.getBoundingClientRect().top) / this.laneHeight);
    const { page } = this;
    const position = page.outline.saying(time).find((each) => page.laneAt(each) === lane);
    this.tip.hidden = event.pointerType !== "mouse";
    const said = position === undefined ? "" : (page.texts.get(position)?.text ?? "");
    const who = position === undefined ? "" : page.outline.speakerOf(position);
    this.tip.textContent = [page.timeOf(time, 1), who, said].filter(Boolean).join(" · ");
    const box = this.element.getBoundingClientRect();
    const x = Math.min(event.clientX - box.left + 12, box.width - this.tip.offsetWidth - 8);
    this.tip.style.transform = `translate(${x}px, ${event.clientY - box.top + 16}px)`;
  }

  /** A note of the axis, or the moment. @param {MouseEvent} event */
  #mark(event) {
    const near = (/** @type {number} */ time) => Math.abs(this.#x(time) - event.offsetX) < 8;
    const { page } = this;
    const marked = page.notes.find((each) => near(each.at))?.at ?? page.hits.find((each) => near(each.start))?.start;
    page.playFrom(marked ?? moment(this.view, this.#width, event.offsetX));
  }
}

/** @param {CanvasRenderingContext2D} canvas @param {string} colour */
function hatched(canvas, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const context = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  for (const x of [-6, 0, 6]) {
    context.moveTo(x - 1, 7);
    context.lineTo(x + 7, -1);
  }
  context.stroke();
  return canvas.createPattern(tile, "repeat");
}

/**
 * Speech is full; unsure is pale and hatched; what was heard better elsewhere is hollow; what nobody
 * said is a thin line. So they differ without colour.
 * @param {CanvasRenderingContext2D} canvas
 * @param {import("./axis.js").Run} run
 * @param {number} top
 * @param {number} height
 * @param {CanvasPattern | null} hatch
 */
function block(canvas, run, top, height, hatch) {
  const width = run.right - run.left;
  const gap = width > 3 ? 1 : 0; // two that touch are two
  if (width <= 6) return bar(canvas, run, top, height, width - gap);
  if (run.kind === KIND.suppressed) {
    canvas.fillRect(run.left, top + height / 2 - 1, width - gap, 2);
  } else if (run.kind === KIND.duplicate) {
    canvas.lineWidth = 1;
    canvas.strokeRect(Math.round(run.left) + 0.5, top + 3.5, width - gap - 1, height - 7);
  } else {
    canvas.globalAlpha = run.kind === KIND.low ? 0.4 : 1;
    canvas.beginPath();
    canvas.roundRect(run.left, top, width - gap, height, 3);
    canvas.fill();
    canvas.globalAlpha = 1;
    if (run.kind === KIND.low && hatch) {
      const colour = canvas.fillStyle;
      canvas.globalAlpha = 0.5;
      canvas.fillStyle = hatch;
      canvas.fill();
      canvas.globalAlpha = 1;
      canvas.fillStyle = colour;
    }
  }
}

/**
 * One that is too narrow for a shape: on whole pixels, as there may be thousands. The kinds differ
 * by their height.
 * @param {CanvasRenderingContext2D} canvas
 * @param {import("./axis.js").Run} run
 * @param {number} top
 * @param {number} height
 * @param {number} width
 */
function bar(canvas, run, top, height, width) {
  const part = [0.15, 0.4, 0.7, 1][run.kind];
  const high = Math.max(2, Math.round(height * part));
  canvas.fillRect(Math.round(run.left), top + ((height - high) >> 1), Math.max(1, Math.round(width)), high);
}

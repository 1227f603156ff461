/** The page's colours for what is drawn on a canvas. */

import { COLOURS } from "./page.js";

/**
 * @typedef {object} Paint
 * @property {string[]} lanes and one more, for nobody
 * @property {string} surface
 * @property {string} text
 * @property {string} muted
 * @property {string} line
 * @property {string} accent
 * @property {string} mark
 * @property {string} warn
 * @property {string} font
 */

/** @param {Element} element @returns {Paint} */
export function paintOf(element) {
  const probe = element.appendChild(document.createElement("span"));
  const colour = (/** @type {string} */ name, fallback = "CanvasText") => {
    probe.style.color = `var(${name}, ${fallback})`;
    return getComputedStyle(probe).color;
  };
  const lanes = Array.from({ length: COLOURS }, (_, each) => colour(`--mg-lane-${each + 1}`));
  const paint = {
    lanes: [...lanes, colour("--mg-muted", "GrayText")],
    surface: colour("--mg-surface", "Canvas"),
    text: colour("--mg-text"),
    muted: colour("--mg-muted", "GrayText"),
    line: colour("--mg-line", "GrayText"),
    accent: colour("--mg-accent", "Highlight"),
    mark: colour("--mg-warn", "Mark"),
    warn: colour("--mg-warn", "Mark"),
    font: getComputedStyle(element).fontFamily,
  };
  probe.remove();
  return paint;
}

/** Calls back when the page becomes light or dark. @param {() => void} changed @param {AbortSignal} signal */
export function whenRepainted(changed, signal) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
  const watch = new MutationObserver(changed);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  signal.addEventListener("abort", () => watch.disconnect());
}

/**
 * Makes a canvas as large as it is shown, in the pixels of the screen.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function sized(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

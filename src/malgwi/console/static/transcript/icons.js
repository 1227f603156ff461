/** The icons of the transcript page, which change their looks with what they stand on. */

import { h } from "../dom.js";

/** What is drawn on buttons: strokes on a field of 24. */
const STROKES = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  back: "M12 5.5a7 7 0 1 1-6.6 4.7M5 4.5v5.5h5.5",
  ahead: "M12 5.5a7 7 0 1 0 6.6 4.7M19 4.5v5.5h-5.5",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  up: "M6 14.5l6-6 6 6",
  down: "M6 9.5l6 6 6-6",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  undo: "M8.5 5L4.5 9l4 4M4.5 9h9a5.5 5.5 0 0 1 0 11H9",
  redo: "M15.5 5l4 4-4 4M19.5 9h-9a5.5 5.5 0 0 0 0 11H15",
  history: "M12 5a7.5 7.5 0 1 1-7.3 5.7M4 5.5v5.2h5.2M12 8.5v4.5l3 2",
  bookmark: "M7.5 4.5h9v15l-4.5-4-4.5 4z",
  note: "M5 5h14v10.5l-4 4H5zM15 19.5v-4h4M8.5 9.5h7M8.5 13h4",
  export: "M12 4.5v10.5M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
  link: "M10 14a4 4 0 0 0 6 .4l2.6-2.6a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-2.6 2.6a4 4 0 0 0 5.7 5.7l1-1",
  pencil: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  keys: "M3.5 7h17v10.5h-17zM7 10.5h.01M10.3 10.5h.01M13.7 10.5h.01M17 10.5h.01M8 14h8",
  closer: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5M8 10.5h5M10.5 8v5",
  farther: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5M8 10.5h5",
  whole: "M4 12h16M7.5 8.5L4 12l3.5 3.5M16.5 8.5L20 12l-3.5 3.5",
  follow: "M12 4.5v11M7 11l5 5 5-5M5 20h14",
  view: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  sound: "M4.5 9.5v5h3.5l4.5 4v-13L8 9.5zM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  remove: "M5 7h14M9.5 7V4.5h5V7M7 7l1 12.5h8L17 7",
  jump: "M5 12h13M13 6.5l5.5 5.5-5.5 5.5",
};

/** @param {keyof typeof STROKES} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("class", `mg-t-icon mg-t-icon-${name}`);
  drawn.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", STROKES[name]);
  drawn.append(path);
  return drawn;
}

/**
 * A button that shows an icon and says what it does.
 * @param {keyof typeof STROKES} name
 * @param {string} label
 * @param {() => void} click
 * @param {Record<string, any>} [more]
 */
export function iconButton(name, label, click, more = {}) {
  const properties = { type: "button", class: "mg-button mg-quiet mg-icon", "aria-label": label, title: label };
  return h("button", { ...properties, click, ...more }, icon(name));
}

/** Makes elements. Text is only ever text: nothing that somebody said becomes HTML. */

/** @typedef {string | number | Node | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] attributes; functions listen to the event of that name
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  fill(made, ...children);
  return made;
}

/** @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  const there = children.filter((each) => each !== null && each !== undefined && each !== false);
  element.replaceChildren(...there.map((each) => (each instanceof Node ? each : String(each))));
}

/** One of icons.svg. @param {string} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  drawn.setAttribute("aria-hidden", "true");
  drawn.append(use);
  return drawn;
}

/** @param {string} said @param {() => void} click @param {string} [classes] @param {string | null} [iconName] */
export function button(said, click, classes = "", iconName = null) {
  const drawn = iconName ? [icon(iconName)] : [];
  return h("button", { type: "button", class: `mg-button ${classes}`, click }, ...drawn, h("span", {}, said));
}

/** What it says is read out and shown as a tip. @param {string} iconName @param {string} said @param {() => void} click */
export function iconButton(iconName, said, click) {
  const properties = { type: "button", class: "mg-button mg-quiet mg-icon", "aria-label": said, title: said, click };
  return h("button", properties, icon(iconName));
}

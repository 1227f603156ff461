/** Makes elements. A name of a file is only ever text, and never becomes HTML. */

/** Functions listen to the event of that name; other properties are attributes. */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  drawn.setAttribute("aria-hidden", "true");
  drawn.append(use);
  return drawn;
}

export function button(said, click, classes = "", iconName = null) {
  const drawn = iconName ? [icon(iconName)] : [];
  return h("button", { type: "button", class: `mg-button ${classes}`, click }, ...drawn, h("span", {}, said));
}

/** What it says is read out and shown as a tip. */
export function iconButton(iconName, said, click) {
  const properties = { type: "button", class: "mg-button mg-quiet mg-icon", "aria-label": said, title: said, click };
  return h("button", properties, icon(iconName));
}

/** What a page says, in the language of whoever looks: `words.py` gives it to the element. */

/** @typedef {(phrase: string, values?: Record<string, string | number>) => string} Say */

/** @param {HTMLElement} element with `data-words` @returns {Say} */
export function phrases(element) {
  const words = JSON.parse(element.dataset.words ?? "{}");
  return (phrase, values = {}) =>
    (words[phrase] ?? phrase).replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

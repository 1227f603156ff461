/** A glossary as the text of its file, with the numbers of its lines. */

import { h } from "../dom.js";

export class Raw {
  /** @param {import("../phrases.js").Say} say @param {() => void} changed */
  constructor(say, changed) {
    this.numbers = h("pre", { class: "mg-gls-numbers", "aria-hidden": "true" });
    this.field = h("textarea", {
      class: "mg-textarea mg-gls-text", "aria-label": say("gls_as_text"), spellcheck: "false", wrap: "off", autocomplete: "off",
      input: () => { this.#number(); changed(); }, scroll: () => { this.numbers.scrollTop = this.field.scrollTop; },
    });
    this.told = h("p", { class: "mg-gls-fault", role: "alert", hidden: true });
    this.element = h("div", { class: "mg-gls-raw" }, h("div", { class: "mg-gls-paper" }, this.numbers, this.field), this.told);
  }

  get text() {
    return this.field.value;
  }

  /** @param {string} text */
  show(text) {
    this.field.value = text;
    this.#number();
  }

  /** Says what is wrong, and goes to its line. @param {string} said @param {number | null} line from 1 */
  fault(said, line) {
    this.told.textContent = said;
    this.told.hidden = false;
    this.#number(line);
    if (!line) return;
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.field.focus();
    this.field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    const height = this.field.scrollHeight / lines.length;
    this.field.scrollTop = Math.max(0, (line - 4) * height);
  }

  faultless() {
    this.told.hidden = true;
    this.#number();
  }

  /** @param {number | null} [marked] */
  #number(marked = null) {
    const count = this.text.split("\n").length;
    const numbers = Array.from({ length: count }, (_, at) => {
      const said = `${at + 1}\n`;
      return at + 1 === marked ? h("span", { class: "mg-gls-wrong" }, said) : said;
    });
    this.numbers.replaceChildren(...numbers);
    this.numbers.scrollTop = this.field.scrollTop;
  }
}

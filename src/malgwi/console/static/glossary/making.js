/** `<malgwi-glossary-new data-words="…">`: makes a glossary, by a name or of a file. */

import { phrases } from "../phrases.js";
import { button, h } from "../dom.js";
import { giveImport } from "./drafts.js";
import { calledAfter, chooseFile } from "./files.js";

const LONGEST = 100;

class Making extends HTMLElement {
  connectedCallback() {
    const say = phrases(this);
    const name = h("input", { class: "mg-input", placeholder: say("gls_name"), "aria-label": say("gls_name"), maxlength: LONGEST, required: true, pattern: "[^\\/\\\\]*\\S[^\\/\\\\]*", title: say("gls_name_why") });
    const form = h("form", { class: "mg-row", submit: (event) => { event.preventDefault(); open(name.value.trim()); } },
      name, h("button", { type: "submit", class: "mg-button mg-primary" }, say("gls_new")),
      button(say("gls_import"), () => void fromFile(), "", "upload"));
    this.append(form);
  }

  disconnectedCallback() {
    this.replaceChildren();
  }
}

/** @param {string} name */
function open(name) {
  location.assign(`/glossaries/${encodeURIComponent(name)}`);
}

async function fromFile() {
  const file = await chooseFile();
  if (!file) return;
  giveImport(file);
  open(calledAfter(file.name));
}

customElements.define("malgwi-glossary-new", Making);

/** Entries as a table: a row each, and beneath it what few entries need. */

import { button, h, iconButton } from "../dom.js";

const SHOWN = 200; // rows that are drawn at once
const BAR = "|"; // between several values, as in CSV

/** @typedef {import("./yaml.js").Entry} Entry */
/** @typedef {import("../phrases.js").Say} Say */

export class Entries {
  /** @type {Entry[]} */
  entries = [];
  #shown = SHOWN;
  #wanted = "";
  /** @type {Map<Entry, HTMLElement>} */
  #rows = new Map();

  /** @param {Say} say @param {() => void} changed */
  constructor(say, changed) {
    this.say = say;
    this.changed = changed;
    this.find = h("input", {
      type: "search", class: "mg-input", placeholder: say("gls_find"), "aria-label": say("gls_find"),
      input: (event) => { this.#wanted = event.target.value.trim().toLowerCase(); this.#draw(); },
    });
    this.count = h("span", { class: "mg-muted mg-small mg-grow", role: "status" });
    this.body = h("div", { class: "mg-gls-rows", role: "list", keydown: (event) => this.#key(event) });
    const heads = h("div", { class: "mg-gls-heads mg-small mg-muted", "aria-hidden": "true" },
      h("span", {}, say("gls_written")), h("span", {}, say("gls_spoken")), h("span", {}));
    this.more = button(say("more"), () => { this.#shown += SHOWN; this.#draw(); }, "mg-gls-more");
    const add = button(say("gls_add"), () => this.add(), "mg-gls-add", "plus");
    this.element = h("div", { class: "mg-gls-table" }, h("div", { class: "mg-row mg-gls-tools" }, this.find, this.count), heads, this.body, this.more, add);
  }

  /** @param {Entry[]} entries */
  show(entries) {
    this.entries = entries.map((each) => ({ ...each }));
    this.#rows.clear();
    this.#wanted = this.find.value = "";
    this.#draw();
  }

  /** Those in which something is written. */
  get filled() {
    return this.entries.filter((each) => each.written || each.spoken.length);
  }

  /** The first that lacks something; undefined where all is there. */
  get lacking() {
    return this.filled.find((each) => !each.written || !each.spoken.length);
  }

  add() {
    const entry = { written: "", spoken: [] };
    this.entries.push(entry);
    this.#wanted = this.find.value = "";
    this.#shown = Math.max(this.#shown, this.entries.length);
    this.#draw();
    this.#rows.get(entry)?.querySelector("input")?.focus();
    this.changed();
  }

  /** Says at a row what is wrong with it. @param {Entry} entry @param {string} said @param {"written" | "spoken" | ""} where */
  fault(entry, said, where = "") {
    if (!this.#rows.has(entry)) {
      this.#wanted = this.find.value = "";
      this.#shown = Math.max(this.#shown, this.entries.indexOf(entry) + 1);
      this.#draw();
    }
    const row = /** @type {HTMLElement} */ (this.#rows.get(entry));
    const told = /** @type {HTMLElement} */ (row.querySelector(".mg-gls-fault"));
    told.textContent = said;
    told.hidden = false;
    const fields = [...row.querySelectorAll("input")];
    const field = where === "spoken" ? fields[1] : fields[0];
    field.setAttribute("aria-invalid", "true");
    field.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  /** Nothing is wrong any more, as far as one knows. */
  faultless() {
    for (const row of this.#rows.values()) {
      /** @type {HTMLElement} */ (row.querySelector(".mg-gls-fault")).hidden = true;
      for (const each of row.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
    }
  }

  #draw() {
    const wanted = this.#wanted;
    const found = wanted
      ? this.entries.filter((each) => [each.written, ...each.spoken].some((said) => said.toLowerCase().includes(wanted)))
      : this.entries;
    const shown = found.slice(0, this.#shown);
    const rows = new Map(shown.map((each) => [each, this.#rows.get(each) ?? this.#row(each)]));
    this.body.replaceChildren(...rows.values());
    this.#rows = rows;
    this.more.hidden = found.length <= shown.length;
    this.#counted(found.length);
  }

  /** @param {number} found */
  #counted(found) {
    const all = this.entries.length;
    this.count.textContent = found === all ? this.say("gls_count", { count: all }) : this.say("gls_of", { found, count: all });
    this.find.hidden = all < 12;
  }

  /** @param {Entry} entry */
  #row(entry) {
    const { say } = this;
    const edit = (change) => { Object.assign(entry, change); this.changed(); };
    const line = (label, value, take, more = {}) => h("input", {
      class: "mg-input", "aria-label": label, placeholder: label, value, autocomplete: "off", spellcheck: "false",
      input: (event) => take(event.target.value), ...more,
    });
    const written = line(say("gls_written"), entry.written, (value) => edit({ written: value.trim() }), { maxlength: 500 });
    const spoken = line(say("gls_spoken"), joined(entry.spoken), (value) => edit({ spoken: apart(value) }), { title: say("gls_bar") });
    const rest = h("div", { class: "mg-gls-rest", hidden: !said(entry) }, ...this.#rest(entry, edit));
    const more = iconButton("more", say("gls_rest"), () => { rest.hidden = !rest.hidden; more.setAttribute("aria-expanded", String(!rest.hidden)); });
    more.setAttribute("aria-expanded", String(!rest.hidden));
    const remove = iconButton("remove", say("gls_remove"), () => this.#remove(entry));
    return h("div", { class: "mg-gls-row", role: "listitem" }, written, spoken,
      h("span", { class: "mg-gls-acts" }, more, remove), rest, h("p", { class: "mg-gls-fault", role: "alert", hidden: true }));
  }

  /** What few entries need. */
  #rest(entry, edit) {
    const { say } = this;
    const field = (label, control) => h("label", { class: "mg-gls-field" }, h("span", { class: "mg-label" }, label), control);
    const line = (name, value, take, placeholder = "") => field(say(`gls_${name}`), h("input", {
      class: "mg-input", value, placeholder, autocomplete: "off", spellcheck: "false", input: (event) => take(event.target.value),
    }));
    const match = h("select", { class: "mg-select", change: (event) => edit({ match: event.target.value || null }) },
      ...["", "word", "morpheme"].map((value) => h("option", { value, selected: value === (entry.match ?? "") }, say(`gls_match_${value || "auto"}`))));
    const exact = h("input", { type: "checkbox", checked: Boolean(entry.case_sensitive), change: (event) => edit({ case_sensitive: event.target.checked }) });
    return [
      field(say("gls_match"), match),
      line("channels", joined(entry.channels ?? []), (value) => edit({ channels: apart(value) }), say("gls_all_channels")),
      line("languages", joined(entry.languages ?? []), (value) => edit({ languages: apart(value) }), say("gls_all_languages")),
      line("id", entry.id ?? "", (value) => edit({ id: value.trim() }), say("gls_id_made")),
      h("label", { class: "mg-check" }, exact, say("gls_case")),
    ];
  }

  /** @param {Entry} entry */
  #remove(entry) {
    const at = this.entries.indexOf(entry);
    this.entries.splice(at, 1);
    this.#draw();
    const next = this.#rows.get(this.entries[Math.min(at, this.entries.length - 1)]);
    next?.querySelector("input")?.focus();
    this.changed();
  }

  /** Enter goes on to the next row, or to a new one. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    const row = event.target.closest(".mg-gls-row");
    const next = row.nextElementSibling?.querySelector("input");
    if (next) next.focus();
    else if (row.querySelector("input").value) this.add();
  }
}

/** Whether it says more than most do. The id that the API made of `written` is no news. */
function said(entry) {
  return Boolean(entry.match || entry.channels?.length || entry.languages?.length || entry.case_sensitive);
}

/** @param {string[]} values */
function joined(values) {
  return values.join(` ${BAR} `);
}

/** @param {string} said */
function apart(said) {
  return said.split(BAR).map((each) => each.trim()).filter(Boolean);
}

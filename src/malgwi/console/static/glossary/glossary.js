/**
 * `<malgwi-glossary name="radio" who="anna" state="kept" access="editor" data-words="…">`: a glossary to write, as a table or
 * as the text of its file, and to try on what was said. What is typed is kept by the browser until it
 * is saved, for as long as the tab is open.
 */

import { phrases } from "../phrases.js";
import { ofClock } from "../search/hit.js";
import { Refusal, get, send } from "../transcript/api.js";
import { button, h } from "../dom.js";
import { Conflict } from "./conflict.js";
import { discard, draftOf, keep, takeImport } from "./drafts.js";
import { Entries } from "./entries.js";
import { chooseFile, typeOf } from "./files.js";
import { same } from "./merging.js";
import { Raw } from "./raw.js";
import { Trial } from "./trial.js";
import { entryAt, yamlOf } from "./yaml.js";

const YAML = "application/yaml";
const PAUSE = 300; // ms after the last letter

class Glossary extends HTMLElement {
  #life = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;
  /** Counts changes, so that one that is made while something is saved is not taken for saved. */
  #changes = 0;
  #saved = 0;
  #mode = "table";
  /** @type {{revision: number, entries: import("./yaml.js").Entry[]}} */
  base = { revision: 0, entries: [] };

  connectedCallback() {
    this.say = phrases(this);
    this.name = this.getAttribute("name") ?? "";
    this.draft = `${this.getAttribute("who")}:${this.name}`; // another person gets none of it
    this.path = `/v1/glossaries/${encodeURIComponent(this.name)}`;
    this.may = this.getAttribute("access") !== "viewer";
    const { signal } = this.#life;
    addEventListener("beforeunload", (event) => this.#leaving(event), { signal });
    addEventListener("pagehide", () => this.#keep(), { signal });
    this.addEventListener("keydown", (event) => {
      if (event.key === "s" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void this.save(); }
    }, { signal });
    this.#build();
    void this.#open();
  }

  disconnectedCallback() {
    this.#keep();
    this.#life.abort();
    this.replaceChildren();
  }

  get dirty() {
    return this.#changes !== this.#saved;
  }

  #build() {
    const { say } = this;
    const changed = () => this.#changed();
    this.table = new Entries(say, changed);
    this.raw = new Raw(say, changed);
    this.facts = h("p", { class: "mg-muted mg-small mg-gls-facts", role: "status" });
    this.notice = h("div", { class: "mg-notice", role: "alert", hidden: true });
    this.conflict = new Conflict(say, (entries) => this.#merged(entries), (theirs) => this.#take(theirs));
    this.trial = new Trial(this);
    const mode = (name) => h("button", { type: "button", class: "mg-button", "aria-pressed": String(name === this.#mode), click: () => void this.#switch(name) }, say(`gls_${name}`));
    this.modes = { table: mode("table"), text: mode("text") };
    this.saving = button(say("save"), () => void this.save(), "mg-primary", "check");
    this.saving.title = "Ctrl+S";
    const tools = h("div", { class: "mg-row mg-gls-bar" },
      h("div", { class: "mg-gls-modes", role: "group", "aria-label": say("gls_view") }, this.modes.table, this.modes.text),
      h("span", { class: "mg-grow" }),
      button(say("gls_download"), () => void this.#download(), "mg-quiet", "download"),
      this.may && button(say("gls_import"), () => void this.#import(), "mg-quiet", "upload"),
      this.may && this.saving);
    this.work = h("div", {}, this.table.element);
    this.append(this.facts, this.notice, this.conflict.element, tools, this.work, this.trial.element);
    if (!this.may) this.tell(say("gls_viewer"), "");
  }

  // -- opening

  async #open() {
    this.inert = true; // what is done before the entries are here would be done to none
    try {
      if (this.getAttribute("state") === "kept") this.base = await get(this.path);
    } catch (error) {
      this.refused(error);
      this.notice.append(button(this.say("retry"), () => void this.#open(), "", "again"));
      return;
    } finally {
      this.inert = false;
    }
    this.table.show(this.base.entries);
    this.#said();
    const draft = draftOf(this.draft);
    if (draft) this.#restore(draft);
    const file = takeImport();
    if (file) await this.#take_file(file);
    else if (!draft && !this.base.revision && this.may) this.table.add();
    if (!this.base.revision && !draft && !file) this.#saved = this.#changes;
    this.trial.open();
  }

  /** What was typed and not saved is here again. */
  #restore(draft) {
    this.base = draft.base;
    this.table.show(draft.entries);
    if (draft.mode === "text") {
      this.raw.show(draft.text);
      this.#to("text");
    }
    this.#changes++;
    this.#said();
    this.tell(this.say("gls_restored"), "mg-careful", button(this.say("gls_discard"), () => this.#forget()));
  }

  #forget() {
    discard(this.draft);
    this.#saved = this.#changes;
    location.reload();
  }

  // -- changing

  #changed() {
    this.#changes++;
    this.trial.changed();
    this.#current().faultless();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#keep(), PAUSE);
    this.#said();
  }

  #keep() {
    clearTimeout(this.#pause);
    if (!this.dirty) return discard(this.draft);
    const { revision, entries } = this.base;
    keep(this.draft, { base: { revision, entries }, mode: this.#mode, text: this.raw.text, entries: this.table.entries });
  }

  /** @param {BeforeUnloadEvent} event */
  #leaving(event) {
    this.#keep();
    if (this.may && this.dirty) event.preventDefault();
  }

  #current() {
    return this.#mode === "table" ? this.table : this.raw;
  }

  /** @param {string} mode */
  async #switch(mode) {
    if (mode === this.#mode) return;
    if (mode === "text") this.raw.show(yamlOf(this.table.filled).text);
    else {
      const entries = await this.entries();
      if (!entries) return;
      this.table.show(entries);
    }
    this.#to(mode);
    this.#keep();
  }

  /** @param {string} mode */
  #to(mode) {
    this.#mode = mode;
    for (const [name, each] of Object.entries(this.modes)) each.setAttribute("aria-pressed", String(name === mode));
    this.work.replaceChildren(this.#current().element);
    if (mode === "text") this.raw.show(this.raw.text);
  }

  /** The text as it is sent, and where each entry of it begins; null where something is lacking. */
  #written() {
    this.#current().faultless();
    if (this.#mode === "text") return { text: this.raw.text, lines: null };
    const { say, table } = this;
    const lacking = table.lacking;
    if (lacking) {
      const where = lacking.written ? "spoken" : "written";
      table.fault(lacking, say(`gls_no_${where}`), where);
      return null;
    }
    if (!table.filled.length) {
      this.tell(say("gls_none"), "mg-bad");
      return null;
    }
    return yamlOf(table.filled);
  }

  /** What is written, as the API reads it; null where it does not, which is said at the place. */
  async entries() {
    const written = this.#written();
    if (!written) return null;
    try {
      return (await send("POST", "/v1/glossaries/check", written.text, YAML)).entries;
    } catch (error) {
      this.#fault(error, written.lines);
      return null;
    }
  }

  /** Says at its place what is wrong. @param {unknown} error @param {number[] | null} lines */
  #fault(error, lines) {
    const line = error instanceof Refusal && error.status === 400 ? error.problem.line : null;
    if (!line) return this.refused(error);
    this.notice.hidden = true;
    const said = error.message.replace(/^The glossary, /, "");
    if (!lines) return this.raw.fault(said, line);
    const rows = this.table.filled;
    const row = (/** @type {number} */ each) => entryAt(lines, each);
    const inRow = (_, english, korean) => this.say("gls_row", { row: row(Number(english ?? korean)) + 1 });
    const told = said.replace(/^(line \d+|\d+번째 줄): /, "").replace(/line (\d+)|(\d+)번째 줄/g, inRow);
    this.table.fault(rows[row(line)], told, line === lines[row(line)] ? "written" : "spoken");
  }

  // -- saving

  /** Whether it is saved now. */
  async save() {
    if (!this.may) return false;
    if (!this.dirty && this.base.revision) return true;
    const written = this.#written();
    if (!written) return false;
    const changes = this.#changes;
    this.saving.disabled = true;
    try {
      const query = `?base_revision=${this.base.revision}`;
      const kept = await send("PUT", this.path + query, written.text, YAML);
      this.#kept(kept, changes);
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.status === 409) await this.#stale();
      else this.#fault(error, written.lines);
      return false;
    } finally {
      this.saving.disabled = false;
    }
  }

  /** @param {any} kept @param {number} changes */
  #kept(kept, changes) {
    this.base = kept;
    this.#saved = changes;
    if (this.#mode === "table") {
      const rows = this.table.filled;
      if (rows.length === kept.entries.length) rows.forEach((each, at) => { each.id = kept.entries[at].id; });
    }
    this.#keep();
    this.#said();
    this.notice.hidden = true;
    this.conflict.close();
    globalThis.malgwi.toast(this.say("gls_saved", { revision: kept.revision }));
  }

  /** Somebody was faster: what they changed is shown, and what was typed here stays. */
  async #stale() {
    try {
      const theirs = await get(this.path);
      this.conflict.show(this.base, theirs, await this.entries());
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) {
        this.base = { revision: 0, entries: [] };
        this.tell(this.say("gls_gone"), "mg-careful");
      } else this.refused(error);
    }
  }

  /** @param {{base: any, entries: any[], both: any[]}} merged */
  #merged({ base, entries, both }) {
    this.base = base;
    this.table.show(entries);
    this.#to("table");
    this.#changed();
    for (const each of both) {
      const mine = this.table.entries.find((entry) => each.before && entry.id === each.before.id);
      const theirs = each.after ? `${each.after.written} ← ${each.after.spoken.join(" | ")}` : this.say("gls_removed");
      if (mine) this.table.fault(mine, this.say("gls_theirs", { theirs }));
      else if (each.after) this.tell(this.say("gls_removed_mine", { theirs }), "mg-careful");
    }
    globalThis.malgwi.toast(this.say("gls_together"));
  }

  /** @param {any} theirs */
  #take(theirs) {
    this.base = theirs;
    this.table.show(theirs.entries);
    this.#to("table");
    this.#saved = this.#changes;
    this.#keep();
    this.#said();
  }

  // -- files

  async #import() {
    const file = await chooseFile();
    if (file) await this.#take_file(file);
  }

  /** @param {{name: string, text: string}} file */
  async #take_file(file) {
    const type = typeOf(file.name);
    let entries;
    try {
      ({ entries } = await send("POST", "/v1/glossaries/check", file.text, type));
    } catch (error) {
      if (error instanceof Refusal && error.status === 400) {
        const isNamed = error.message.startsWith("The glossary"); // not so in Korean
        const said = isNamed ? error.message.replace("The glossary", file.name) : `${file.name}: ${error.message}`;
        const line = error.problem.line;
        const shown = line ? h("code", { class: "mg-gls-line" }, file.text.split("\n")[line - 1] ?? "") : null;
        this.tell(said, "mg-bad", shown);
      } else this.refused(error);
      return;
    }
    if (this.#mode === "text" && !(await this.#backToTable())) return;
    const there = this.table.filled;
    const isNew = (each) => !there.some((other) => same(each, other));
    const more = entries.filter(isNew).map((each) => (there.some((other) => other.id === each.id) ? { ...each, id: "" } : each));
    this.table.show([...there, ...more]);
    this.#changed();
    this.tell(this.say("gls_imported", { count: more.length, name: file.name }), "mg-good");
  }

  async #backToTable() {
    if (this.raw.text.trim()) await this.#switch("table");
    else this.#to("table");
    return this.#mode === "table";
  }

  async #download() {
    const text = this.#mode === "text" ? this.raw.text : yamlOf(this.table.filled).text;
    const address = URL.createObjectURL(new Blob([text], { type: YAML }));
    h("a", { href: address, download: `${this.name}.yaml` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // -- what is said

  #said() {
    const { revision, created, author_name } = /** @type {any} */ (this.base);
    const { say } = this;
    const state = revision
      ? say("gls_revision", { revision }) + (author_name ? ` · ${author_name}` : "") + (created ? ` · ${ofClock(created)}` : "")
      : say("gls_new_one");
    this.facts.textContent = this.dirty && this.may ? `${state} · ${say("gls_unsaved")}` : state;
  }

  /** @param {string} said @param {string} kind @param {...(Node | null)} more */
  tell(said, kind, ...more) {
    this.notice.className = `mg-notice ${kind}`;
    this.notice.replaceChildren(h("span", { class: "mg-grow" }, said), ...more.filter((each) => each !== null));
    this.notice.hidden = false;
  }

  /** Nothing that was typed is lost. @param {unknown} error */
  refused(error) {
    this.#keep();
    const status = error instanceof Refusal ? error.status : 0;
    if (status === 401) globalThis.malgwi.ended?.();
    const said = { 0: this.say("gls_offline"), 401: this.say("signed_out") }[status] ?? /** @type {Error} */ (error).message;
    this.tell(said, "mg-bad");
  }
}

customElements.define("malgwi-glossary", Glossary);

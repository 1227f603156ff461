/** Tries a glossary on what is kept: what it would change, word by word, and then does it. */

import { reason } from "../reasons.js";
import { ofClock } from "../search/hit.js";
import { Refusal, get, send, withQuery } from "../transcript/api.js";
import { spoken } from "../transcript/clock.js";
import { diff } from "../transcript/diff.js";
import { button, h } from "../dom.js";

const MOST = 1000; // recordings of one trial, as the API takes them
const LISTED = 200;
const EXAMPLES = 20; // of a transcript
const LOOK = 1000; // ms between two looks at the job
const LABELS = "mg-gls-labels";

export class Trial {
  /** @type {any[]} */
  #found = [];
  /** @type {Set<string>} recordings that are left out */
  #without = new Set();
  #turn = 0;
  #opened = false;
  /** Recordings of the last trial. */
  #tried = /** @type {string[]} */ ([]);

  /** @param {any} page the element of the glossary */
  constructor(page) {
    this.page = page;
    const { say } = page;
    const look = () => void this.#look();
    const line = (phrase, list) => h("input", { type: "search", class: "mg-input", placeholder: say(phrase), "aria-label": say(phrase), list, change: look });
    const day = (phrase) => h("input", { type: "datetime-local", class: "mg-input", "aria-label": say(phrase), title: say(phrase), change: look });
    this.fields = { name: line("gls_names", null), label: line("rec_label", LABELS), since: day("gls_since"), until: day("gls_until") };
    this.labels = h("datalist", { id: LABELS });
    this.count = h("span", {});
    this.list = h("ul", { class: "mg-gls-recordings" });
    this.chosen = h("details", { class: "mg-gls-chosen mg-fold" }, h("summary", {}, this.count), this.list);
    this.go = button(say("gls_try"), () => void this.#try(), "", "play");
    this.go.disabled = true;
    this.result = h("div", { class: "mg-gls-result", "aria-live": "polite" });
    const { name, label, since, until } = this.fields;
    const times = h("span", { class: "mg-times" }, since, h("span", { class: "mg-muted", "aria-hidden": "true" }, "–"), until);
    this.element = h("section", { class: "mg-card mg-gls-trial", "aria-labelledby": "mg-gls-trial" },
      h("h2", { id: "mg-gls-trial" }, say("gls_trial")), h("p", { class: "mg-muted" }, say("gls_trial_why")),
      h("div", { class: "mg-row mg-gls-where" }, name, label, times, this.labels), this.chosen, h("div", { class: "mg-row" }, this.go), this.result);
  }

  open() {
    if (this.#opened) return;
    this.#opened = true;
    void this.#look();
  }

  /** What was tried is not what is written any more. */
  changed() {
    this.stale?.removeAttribute("hidden");
  }

  // -- on which

  async #look() {
    const turn = ++this.#turn;
    this.go.disabled = true;
    const { name, label, since, until } = this.fields;
    const moment = (field) => (field.value ? new Date(field.value).toISOString() : null);
    const query = { limit: MOST, name: name.value.trim() || null, label: label.value.trim() || null, since: moment(since), until: moment(until) };
    try {
      const found = await get(withQuery("/v1/recordings", query));
      if (turn !== this.#turn) return;
      this.#found = found.items.filter((each) => each.transcript);
      this.cut = found.next_cursor !== null;
    } catch (error) {
      this.page.refused(error);
      return;
    }
    const labels = new Set([...this.#found.flatMap((each) => each.labels), ...[...this.labels.children].map((each) => each.value)]);
    this.labels.replaceChildren(...[...labels].sort().map((value) => h("option", { value })));
    this.list.replaceChildren(...this.#found.slice(0, LISTED).map((each) => this.#choice(each)));
    this.#counted();
  }

  #choice(recording) {
    const box = h("input", {
      type: "checkbox", checked: !this.#without.has(recording.id),
      change: () => { this.#without[box.checked ? "delete" : "add"](recording.id); this.#counted(); },
    });
    const when = h("span", { class: "mg-muted mg-small mg-number" }, ofClock(recording.started ?? recording.created));
    return h("li", {}, h("label", { class: "mg-check" }, box, h("span", {}, recording.name), when));
  }

  get #wanted() {
    return this.#found.filter((each) => !this.#without.has(each.id)).map((each) => each.id);
  }

  #counted() {
    const count = this.#wanted.length;
    this.count.textContent = this.page.say(this.cut ? "gls_on_first" : "gls_on", { count });
    this.go.disabled = !count;
  }

  // -- what would change

  async #try() {
    const { page } = this;
    const fresh = page.dirty || !page.base.revision;
    const entries = fresh ? await page.entries() : [];
    if (!entries) return;
    this.go.disabled = true;
    this.result.replaceChildren(h("p", { class: "mg-muted" }, page.say("gls_trying")));
    this.#tried = this.#wanted;
    const body = { recordings: this.#tried, examples: EXAMPLES, ...(fresh ? { entries } : { revision: page.base.revision }) };
    try {
      this.#show(await send("POST", `${page.path}/dry-run`, body), fresh ? "gls_save_apply" : "gls_apply");
    } catch (error) {
      this.result.replaceChildren();
      page.refused(error);
    }
    this.go.disabled = false;
  }

  /** @param {any} found @param {string} applying what the button says */
  #show(found, applying) {
    const { page } = this;
    const { say } = page;
    const changed = found.transcripts.filter((each) => each.changed);
    const left = found.transcripts.reduce((sum, each) => sum + each.corrected, 0);
    this.stale = h("p", { class: "mg-notice mg-careful", hidden: true }, say("gls_other_now"));
    const counts = changed.length
      ? say("gls_would", { utterances: found.changed, transcripts: changed.length, all: found.transcripts.length })
      : say("gls_would_not", { all: found.transcripts.length });
    this.apply = page.may && changed.length ? button(say(applying), () => void this.#apply(), "mg-primary", "check") : null;
    this.progress = h("div", { class: "mg-row", role: "status" });
    this.result.replaceChildren(
      h("p", { class: "mg-gls-counts" }, counts, left ? ` ${say("gls_left", { count: left })}` : ""),
      this.stale, ...(this.apply ? [h("div", { class: "mg-row" }, this.apply, this.progress)] : []),
      ...changed.map((each, at) => this.#transcript(each, at === 0)),
    );
  }

  #transcript(each, isOpen) {
    const { say } = this.page;
    const recording = this.#found.find((one) => one.id === each.recording);
    const shown = each.examples.length < each.changed ? h("p", { class: "mg-muted mg-small" }, say("gls_shown", { count: each.examples.length, all: each.changed })) : null;
    return h("details", { class: "mg-gls-transcript mg-fold", open: isOpen },
      h("summary", {}, recording?.name ?? each.recording, " ", h("span", { class: "mg-chip" }, String(each.changed))),
      h("ul", {}, ...each.examples.map((one) => this.#example(each.transcript, one))), shown);
  }

  #example(transcript, one) {
    const parts = diff(one.before, one.after);
    const side = (kind, tag) => parts.filter((each) => each.kind === "same" || each.kind === kind)
      .flatMap((each) => (each.kind === "same" ? [each.text] : [/^\s*/.exec(each.text)[0], h(tag, {}, each.text.trimStart())]));
    const to = `/transcripts/${encodeURIComponent(transcript)}#t=${Math.floor(one.start * 10) / 10}`;
    return h("li", { class: "mg-gls-example" },
      h("a", { class: "mg-number", href: to, target: "_blank" }, spoken(one.start, 1)),
      h("div", {}, h("p", { class: "mg-gls-before" }, ...side("gone", "del")), h("p", {}, ...side("new", "ins"))));
  }

  // -- doing it

  async #apply() {
    const { page } = this;
    this.apply.disabled = true;
    try {
      if (!(await page.save())) return;
      const body = { recordings: this.#tried, revision: page.base.revision };
      const job = await send("POST", `${page.path}/apply`, body);
      await this.#follow(job);
    } catch (error) {
      page.refused(error);
    } finally {
      this.apply.disabled = false;
    }
  }

  async #follow(job) {
    const { say } = this.page;
    const link = h("a", { href: `/jobs?kind=${encodeURIComponent(job.kind)}` }, say("gls_job"));
    const chip = h("span", { class: "mg-chip mg-busy" });
    const why = h("span", {});
    this.progress.replaceChildren(chip, why, link);
    const kinds = { done: "mg-good", dead: "mg-bad" };
    for (;;) {
      chip.textContent = say(`rec_${{ waiting: "queued" }[job.state] ?? job.state}`);
      chip.className = `mg-chip ${kinds[job.state] ?? "mg-busy"}`;
      why.textContent = await reason(job.error ?? "");
      if (["done", "dead", "cancelled"].includes(job.state) || !this.element.isConnected) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      job = await get(`/v1/jobs/${encodeURIComponent(job.id)}`).catch((error) => {
        if (error instanceof Refusal && error.status) throw error;
        return job; // the connection is away: it is asked again
      });
    }
  }
}

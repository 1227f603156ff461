/** Beside the words: where to look, and in which order. */

import { get } from "../transcript/api.js";
import { button, h } from "../dom.js";
import { ofClock } from "./hit.js";
import { filtersOf, local, momentOf } from "./view.js";

const KNOWN = 200; // recordings of which names, labels and channels are offered
const SPEAKERS = "mg-find-speakers";
const LABELS = "mg-find-labels";
const NAMES = "mg-find-names";

export class Filters {
  /** @type {any[]} */
  #recordings = [];
  /** @type {Set<string>} */
  #speakers = new Set();
  #view;

  /**
   * @param {import("./view.js").View} view
   * @param {import("./hit.js").Say} say
   * @param {(change: Record<string, string>) => void} change
   * @param {() => void} clear
   */
  constructor(view, say, change, clear) {
    this.#view = view;
    this.say = say;
    const tell = (name, value) => change({ [name]: value });
    const line = (name, list, attributes = {}) => {
      const label = say(`find_${name}`);
      const properties = { class: "mg-input", placeholder: label, "aria-label": label, list, ...attributes };
      return h("input", { type: "search", change: (event) => tell(name, event.target.value.trim()), ...properties });
    };
    const moment = (name) => {
      const label = say(`find_${name}`);
      const at = h("input", {
        type: "datetime-local", class: "mg-input", "aria-label": label, title: label,
        change: (event) => tell(name, momentOf(event.target.value)),
      });
      return at;
    };
    const choice = (name) => h("select", {
      class: "mg-select", "aria-label": say(`find_${name}`), change: (event) => tell(name, event.target.value),
    });
    this.recording = line("recording", NAMES, { change: (event) => void this.#chosen(event.target, change) });
    this.channel = choice("channel");
    this.speaker = line("speaker", SPEAKERS);
    this.label = line("label", LABELS);
    this.since = moment("since");
    this.until = moment("until");
    this.order = choice("order");
    this.order.append(...["relevance", "time"].map((each) => h("option", { value: each }, say(`find_by_${each}`))));
    this.clear = button(say("rec_clear"), clear, "mg-quiet", "close");
    this.count = h("span", { class: "mg-chip mg-busy" });
    const times = h("span", { class: "mg-times" }, this.since, h("span", { class: "mg-muted", "aria-hidden": "true" }, "–"), this.until);
    this.lists = [NAMES, SPEAKERS, LABELS].map((id) => h("datalist", { id }));
    this.element = h("details", { class: "mg-find-filters mg-fold" },
      h("summary", {}, say("find_filters"), " ", this.count),
      h("div", {}, this.recording, this.channel, this.speaker, this.label, times, this.clear),
      ...this.lists,
    );
    this.element.open = filtersOf(view) > 0 || matchMedia("(min-width: 861px)").matches;
    this.show(view);
    void this.#learn();
  }

  /** @param {import("./view.js").View} view */
  show(view) {
    this.#view = view;
    for (const name of ["speaker", "label", "order"]) this[name].value = view[name];
    for (const name of ["since", "until"]) this[name].value = local(view[name]);
    this.#channels();
    void this.#named();
    const count = filtersOf(view);
    this.count.hidden = !count;
    this.count.textContent = String(count);
    this.clear.hidden = !count;
  }

  /** Speakers of hits are offered. @param {any[]} hits */
  learn(hits) {
    for (const each of hits) if (each.speaker) this.#speakers.add(each.speaker);
    this.#offer(1, [...this.#speakers].sort());
  }

  /** What there is to choose from; without it one can still write. */
  async #learn() {
    try {
      this.#recordings = (await get(`/v1/recordings?limit=${KNOWN}`)).items;
    } catch {
      return;
    }
    this.#offer(0, this.#recordings.map((each) => this.#called(each)));
    this.#offer(2, [...new Set(this.#recordings.flatMap((each) => each.labels))].sort());
    this.#channels();
    if (this.#view.recording) void this.#named(); // else somebody may be writing a name just now
  }

  /** With its time where others are called the same. @param {any} recording */
  #called(recording) {
    const alike = this.#recordings.filter((each) => each.name === recording.name).length > 1;
    return alike ? `${recording.name} · ${ofClock(recording.started ?? recording.created)}` : recording.name;
  }

  /** @param {number} list @param {string[]} values */
  #offer(list, values) {
    this.lists[list].replaceChildren(...values.map((value) => h("option", { value })));
  }

  #channels() {
    const { recording, channel } = this.#view;
    const known = this.#recordings.filter((each) => !recording || each.id === recording);
    /** @type {Map<number, Set<string>>} */
    const labels = new Map();
    for (const each of known) {
      each.channel_labels.forEach((label, index) => labels.set(index, (labels.get(index) ?? new Set()).add(label)));
    }
    if (channel && !labels.has(Number(channel))) labels.set(Number(channel), new Set());
    const options = [...labels].sort(([one], [other]) => one - other).map(([index, called]) => {
      const said = [...called].slice(0, 3).join(", ");
      return h("option", { value: String(index) }, said ? `${said}${called.size > 3 ? ", …" : ""}` : String(index + 1));
    });
    this.channel.replaceChildren(h("option", { value: "" }, this.say("find_any_channel")), ...options);
    this.channel.value = channel;
  }

  async #named() {
    const id = this.#view.recording;
    let found = this.#recordings.find((each) => each.id === id);
    if (id && !found) {
      found = await get(`/v1/recordings/${encodeURIComponent(id)}`).catch(() => null);
      if (found) this.#recordings.push(found);
    }
    if (id === this.#view.recording) this.recording.value = found ? this.#called(found) : id;
  }

  /** @param {HTMLInputElement} field @param {(change: Record<string, string>) => void} change */
  async #chosen(field, change) {
    const name = field.value.trim();
    let found = this.#recordings.find((each) => this.#called(each) === name);
    if (name && !found) {
      const query = new URLSearchParams({ name, limit: "1" });
      found = (await get(`/v1/recordings?${query}`).catch(() => ({ items: [] }))).items[0];
      if (found) this.#recordings.push(found);
    }
    field.setAttribute("aria-invalid", name && !found ? "true" : "false");
    if (name && !found) globalThis.malgwi.toast(this.say("find_no_recording"));
    else change({ recording: found?.id ?? "", channel: "" });
  }
}

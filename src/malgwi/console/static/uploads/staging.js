/** What is about to be sent: which files are one recording, and how it is to be transcribed. */

import { alike, look, shared, stem } from "./channels.js";
import { button, h, iconButton } from "../dom.js";
import { bytes, clock } from "./figures.js";
import { remembered } from "./tus.js";

const CHOSEN = "malgwi-upload-options";

/**
 * Asks, and gives the recordings that are to be sent.
 * @typedef {{name: string, files: File[], fields: Record<string, any>}} Wanted
 */
export class Staging {
  /** @type {{name: string, started: string, files: {file: File, label: string, seconds: number | null, channels: number | null}[]}[]} */
  #groups = [];
  #dialog = null;

  /** @param {(key: string, values?: object) => string} say @param {Record<string, string>} languages @param {(wanted: Wanted[]) => void} send */
  constructor(say, languages, send) {
    this.say = say;
    this.languages = languages;
    this.send = send;
  }

  /** Files that somebody chose; more may come while it is open. */
  async add(files) {
    const sound = [...files].filter((file) => file.size > 0);
    if (sound.length < files.length) globalThis.malgwi.toast(this.say("up_empty_file"));
    if (!sound.length) return;
    const looked = await Promise.all(sound.map(look));
    for (const each of looked) this.#groups.push(alone(each));
    if (!this.#dialog) await this.#open();
    this.#draw();
  }

  async #open() {
    const { say } = this;
    const before = chosen();
    this.offer = h("div", { class: "mg-up-offer", hidden: true });
    this.list = h("ul", { class: "mg-up-list" });
    this.language = select(say("up_language"), { "": say("up_detect"), ...this.languages }, before.language);
    this.glossary = select(say("up_glossary"), { "": say("up_no_glossary") }, "");
    this.labels = field(say("up_labels"), say("up_labels_hint"), before.labels ?? "");
    this.go = button("", () => this.#accept(), "mg-primary", "upload");
    const title = h("h2", { id: "mg-up-title" }, say("up_title"));
    const options = h("div", { class: "mg-up-options" }, this.language.box, this.glossary.box, this.labels.box);
    const end = h("div", { class: "mg-dialog-end" }, button(say("cancel"), () => this.#dialog.close()), this.go);
    const parts = [title, this.offer, this.list, options, end];
    this.#dialog = h("dialog", { class: "mg-dialog mg-up-dialog", "aria-labelledby": "mg-up-title" }, ...parts);
    this.#dialog.addEventListener("close", () => this.#close());
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#offerGlossaries(before.glossary);
  }

  #close() {
    this.#dialog.remove();
    this.#dialog = null;
    this.#groups = [];
  }

  async #offerGlossaries(before) {
    const names = await glossaries();
    for (const name of names) this.glossary.input.append(h("option", { value: name, selected: name === before }, name));
    this.glossary.box.hidden = !names.length;
  }

  #draw() {
    this.#drawOffer();
    this.list.replaceChildren(...this.#groups.map((group, place) => this.#card(group, place)));
    const { length } = this.#groups;
    this.go.querySelector("span").textContent = length === 1 ? this.say("up_send_one") : this.say("up_send", { count: length });
    this.go.disabled = !length;
  }

  #drawOffer() {
    const single = this.#groups.filter((group) => group.files.length === 1).map((group) => group.files[0]);
    const found = alike(single);
    this.offer.hidden = !found.length;
    this.offer.replaceChildren(
      ...found.map((files) =>
        h(
          "div",
          { class: "mg-notice" },
          h("span", { class: "mg-grow" }, this.say("up_alike", { count: files.length, names: told(files) })),
          button(this.say("up_together"), () => this.#join(files)),
        ),
      ),
    );
  }

  #card(group, place) {
    const several = group.files.length > 1;
    const card = h("li", { class: "mg-up-card" });
    card.addEventListener("dragover", (event) => event.preventDefault());
    card.addEventListener("drop", (event) => this.#dropped(event, group));
    const name = h("input", { class: "mg-input mg-grow", value: group.name, "aria-label": this.say("up_name"), maxlength: 300 });
    name.addEventListener("input", () => (group.name = name.value));
    const started = h("input", { class: "mg-input", type: "datetime-local", step: 1, value: group.started, "aria-label": this.say("up_started"), title: this.say("up_started") });
    started.addEventListener("input", () => (group.started = started.value));
    const head = h("div", { class: "mg-up-head" }, name, several ? null : this.#facts(group.files[0], false), started);
    if (place > 0) head.append(iconButton("join", this.say("up_join"), () => this.#joinBefore(place)));
    head.append(iconButton("close", this.say("up_leave_out"), () => this.#leaveOut(group)));
    card.append(head);
    if (several) card.append(h("ul", {}, ...group.files.map((each, at) => this.#file(group, each, at))));
    else this.#draggable(head, group, group.files[0]);
    return card;
  }

  #file(group, each, at) {
    const { say } = this;
    const row = h("li", { class: "mg-up-file" }, h("span", { class: "mg-chip mg-number" }, String(at + 1)));
    this.#draggable(row, group, each);
    if (each.channels === 1 || each.channels === null) {
      const label = h("input", { class: "mg-input mg-up-channel", value: each.label, "aria-label": say("up_channel_name"), maxlength: 200 });
      label.addEventListener("input", () => (each.label = label.value));
      row.append(label);
    }
    const buttons = [iconButton("close", say("up_apart"), () => this.#takeOut(group, each))];
    if (at > 0) buttons.unshift(iconButton("upwards", say("up_earlier"), () => this.#earlier(group, at)));
    row.append(h("span", { class: "mg-grow mg-small mg-up-name" }, each.file.name), this.#facts(each, true), h("span", { class: "mg-up-tools" }, ...buttons));
    return row;
  }

  #facts(each, several) {
    const facts = [bytes(each.file.size)];
    if (each.seconds !== null) facts.push(clock(each.seconds));
    if (each.channels > 1) facts.push(this.say("up_channels", { count: each.channels }));
    if (remembered(each.file, several)) facts.push(this.say("up_goes_on"));
    return h("span", { class: "mg-small mg-muted mg-number mg-up-facts", title: each.file.name }, facts.join(" · "));
  }

  #draggable(element, group, each) {
    element.draggable = true;
    element.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-malgwi", each.file.name);
      this.dragged = { group, each };
    });
  }

  #join(files) {
    const apart = this.#groups.filter((group) => !files.includes(group.files[0]));
    this.#groups = [together(files), ...apart];
    this.#draw();
  }

  #joinBefore(place) {
    const [group] = this.#groups.splice(place, 1);
    const before = this.#groups[place - 1];
    this.#groups[place - 1] = { ...together([...before.files, ...group.files]), started: before.started };
    this.#draw();
  }

  #takeOut(group, each) {
    group.files = group.files.filter((other) => other !== each);
    this.#groups.splice(this.#groups.indexOf(group) + 1, 0, alone(each));
    if (group.files.length === 1) group.name = group.files[0].file.name;
    this.#draw();
  }

  #earlier(group, at) {
    const [each] = group.files.splice(at, 1);
    group.files.splice(at - 1, 0, each);
    this.#draw();
  }

  #leaveOut(group) {
    this.#groups = this.#groups.filter((other) => other !== group);
    if (this.#groups.length) this.#draw();
    else this.#dialog.close();
  }

  /** A file that was dragged from another recording becomes a channel of this one. */
  #dropped(event, group) {
    const dragged = this.dragged;
    this.dragged = null;
    if (!dragged || dragged.group === group) return;
    event.preventDefault();
    event.stopPropagation();
    dragged.group.files = dragged.group.files.filter((each) => each !== dragged.each);
    this.#groups = this.#groups.filter((other) => other.files.length);
    const place = this.#groups.indexOf(group);
    this.#groups[place] = { ...together([...group.files, dragged.each]), started: group.started };
    this.#draw();
  }

  #accept() {
    const options = { language: this.language.input.value, glossary: this.glossary.input.value, labels: this.labels.input.value };
    localStorage.setItem(CHOSEN, JSON.stringify(options));
    const wanted = this.#groups.map((group) => ({
      name: group.name.trim() || group.files[0].file.name,
      files: group.files.map((each) => each.file),
      fields: fields(group, options),
    }));
    this.#dialog.close();
    this.send(wanted);
  }
}

function fields(group, { language, glossary, labels }) {
  const made = {};
  const names = group.files.map((each) => each.label.trim());
  const own = group.files.some((each) => each.label !== stem(each.file.name));
  const mono = group.files.every((each) => each.channels === 1 || (each.channels === null && own));
  const name = group.name.trim();
  if (name && (group.files.length > 1 || name !== group.files[0].file.name)) made.name = name;
  if (group.files.length > 1 && mono && names.every(Boolean)) made.channel_labels = names;
  if (language) made.languages = [language];
  if (glossary) made.glossary = glossary;
  const wanted = [...new Set(labels.split(",").map((each) => each.trim()).filter(Boolean))];
  if (wanted.length) made.labels = wanted;
  if (group.started) made.started = new Date(group.started).toISOString();
  return made;
}

const named = (each) => ({ ...each, label: each.label ?? stem(each.file.name) });
const alone = (each) => ({ name: each.file.name, started: "", files: [named(each)] });
const together = (files) => ({ name: shared(files.map((each) => each.file.name)), started: "", files: files.map(named) });

function told(files) {
  const names = files.map((each) => each.file.name);
  return names.length > 3 ? `${names[0]} … ${names.at(-1)}` : names.join(", ");
}

async function glossaries() {
  try {
    const answer = await fetch("/v1/glossaries");
    const found = answer.ok ? await answer.json() : [];
    return (found.items ?? found).map((each) => each.name);
  } catch {
    return [];
  }
}

function chosen() {
  try {
    return JSON.parse(localStorage.getItem(CHOSEN)) ?? {};
  } catch {
    return {};
  }
}

function boxed(label, input, hint) {
  const said = h("label", {}, label);
  input.id = `mg-up-${++boxed.count}`;
  said.htmlFor = input.id;
  return { input, box: h("div", { class: "mg-field" }, said, input, hint ? h("span", { class: "mg-hint" }, hint) : null) };
}
boxed.count = 0;

function select(label, options, before) {
  const made = Object.entries(options).map(([value, said]) => h("option", { value, selected: value === before }, said));
  return boxed(label, h("select", { class: "mg-select" }, ...made));
}

function field(label, hint, value) {
  return boxed(label, h("input", { class: "mg-input", value }), hint);
}

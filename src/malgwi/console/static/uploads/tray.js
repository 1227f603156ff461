/** The uploads of this page, one line a recording: how far, how fast, and what became of it. */

import { button, h, iconButton } from "../dom.js";
import { bytes, clock } from "./figures.js";

export class Tray {
  #rows = new Map();

  /** @param {(key: string, values?: object) => string} say */
  constructor(say) {
    this.say = say;
    this.summary = h("h2", {}, "");
    this.list = h("ul", {});
    const fold = iconButton("fold", say("up_fold"), () => this.box.classList.toggle("mg-up-folded"));
    this.clear = button(say("up_clear"), () => this.#clear(), "mg-quiet");
    this.box = h("section", { class: "mg-up-tray", "aria-label": say("up_tray"), hidden: true }, h("div", { class: "mg-up-tray-head" }, this.summary, this.clear, fold), this.list);
    this.live = h("div", { class: "mg-unseen", role: "status" });
    document.body.append(this.box, this.live);
  }

  /** @param {import("./bringing.js").Bringing} bringing */
  show(bringing) {
    const row = new Row(bringing, this.say);
    this.#rows.set(bringing, row);
    this.list.append(row.box);
    let before = "";
    const draw = () => {
      row.draw();
      this.#sum();
      if (bringing.state !== before && ["done", "refused", "lost"].includes(bringing.state)) this.live.textContent = `${bringing.name}: ${row.said()}`;
      before = bringing.state;
    };
    bringing.addEventListener("change", draw);
    this.box.hidden = false;
    draw();
  }

  get isUnderWay() {
    return [...this.#rows.keys()].some((each) => each.isUnderWay);
  }

  #sum() {
    const all = [...this.#rows.keys()];
    const open = all.filter((each) => each.isUnderWay).length;
    const said = open ? this.say("up_under_way", { count: open }) : this.say("up_all_done");
    if (this.summary.textContent !== said) this.summary.textContent = said;
    this.clear.hidden = open === all.length;
  }

  #clear() {
    for (const [bringing, row] of this.#rows) {
      if (bringing.isUnderWay) continue;
      row.box.remove();
      this.#rows.delete(bringing);
    }
    this.box.hidden = !this.#rows.size;
    this.#sum();
  }
}

class Row {
  #drawn = "";

  constructor(bringing, say) {
    this.bringing = bringing;
    this.say = say;
    this.bar = h("progress", { class: "mg-progress", max: 1, value: 0, "aria-label": bringing.name });
    this.words = h("div", { class: "mg-small mg-muted mg-number mg-up-words" });
    this.tools = h("div", { class: "mg-up-tools" });
    const name = h("span", { class: "mg-grow mg-up-name", title: bringing.name }, bringing.name);
    this.files = bringing.several ? bringing.uploads.map((each) => new Line(each, say)) : [];
    const parts = [h("div", { class: "mg-up-row-head" }, name, this.tools), this.bar, this.words];
    this.box = h("li", { class: "mg-up-row" }, ...parts, this.files.length ? h("ul", {}, ...this.files.map((each) => each.box)) : null);
  }

  draw() {
    const { bringing } = this;
    const { state } = bringing;
    this.bar.value = bringing.size ? bringing.sent / bringing.size : 0;
    this.bar.hidden = ["done", "cancelled", "refused"].includes(state);
    for (const each of this.files) each.draw();
    if (state === "done") return this.#once(state, () => this.#finished());
    this.words.classList.toggle("mg-up-bad", state === "refused" || state === "lost");
    this.words.textContent = this.said();
    this.#once(state, () => this.tools.replaceChildren(...this.#buttons(state)));
  }

  said() {
    const { bringing, say } = this;
    const { state } = bringing;
    if (state === "done") return say(bringing.result.duplicate ? "up_duplicate" : "up_done");
    if (state === "refused") return say("up_refused", { reason: bringing.said });
    if (state !== "sending") return say(`up_${state}`);
    return progress(bringing, bringing.size, say);
  }

  #once(state, work) {
    if (this.#drawn === state) return;
    this.#drawn = state;
    work();
  }

  #buttons(state) {
    const { bringing, say } = this;
    const off = iconButton("close", say("up_cancel"), () => bringing.cancel());
    if (state === "refused") return [iconButton("again", say("retry"), () => bringing.run()), off];
    if (state === "paused") return [iconButton("play", say("up_go_on"), () => bringing.goOn()), off];
    if (state === "lost") return [iconButton("again", say("up_now"), () => bringing.goOn()), off];
    if (state === "cancelled" || state === "making") return [];
    return [iconButton("pause", say("up_pause"), () => bringing.pause()), off];
  }

  #finished() {
    const { recording, duplicate } = this.bringing.result;
    this.words.classList.remove("mg-up-bad");
    const href = `/recordings?name=${encodeURIComponent(recording.name)}#recording-${recording.id}`;
    const to = h("a", { href, click: (event) => shown(event, recording.id) }, this.say("up_show"));
    this.words.replaceChildren(this.say(duplicate ? "up_duplicate" : "up_done"), " ", to);
    this.tools.replaceChildren();
    this.box.classList.add("mg-up-there");
  }
}

/** A file of several. */
class Line {
  constructor(upload, say) {
    this.upload = upload;
    this.say = say;
    this.words = h("span", { class: "mg-number" });
    this.box = h("li", { class: "mg-small mg-muted mg-up-line" }, h("span", { class: "mg-grow mg-up-name" }, upload.file.name), this.words);
  }

  draw() {
    const { upload, say } = this;
    const share = `${Math.floor((100 * upload.sent) / upload.file.size)} %`;
    this.words.textContent = ["sending", "done"].includes(upload.state) ? share : say(`up_${upload.state}`, { reason: upload.reason });
  }
}

function progress(one, size, say) {
  const parts = [say("up_of", { sent: bytes(one.sent), size: bytes(size) })];
  if (one.speed) parts.push(`${bytes(one.speed)}/s`);
  if (one.left !== null && one.left < 360_000) parts.push(say("up_left", { time: clock(one.left) }));
  return parts.join(" · ");
}

/** Goes to the recording in the list where it is there; else the link finds it. */
function shown(event, id) {
  const row = document.getElementById(`recording-${id}`);
  if (!row) return;
  event.preventDefault();
  row.scrollIntoView({ block: "center" });
  row.classList.add("mg-rec-found");
  setTimeout(() => row.classList.remove("mg-rec-found"), 2500);
}

/**
 * <mg-uploads>: bringing recordings to the service, by drop anywhere on the page and by the button
 * marked `data-mg-upload`. Its `data-words` are what it says, `data-languages` what it offers.
 */

import { Bringing, Turns } from "./uploads/bringing.js";
import { h } from "./dom.js";
import { Staging } from "./uploads/staging.js";
import { Tray } from "./uploads/tray.js";

class Uploads extends HTMLElement {
  #turns = new Turns();

  connectedCallback() {
    if (this.tray) return;
    const words = JSON.parse(this.dataset.words);
    const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
    this.tray = new Tray(say);
    this.staging = new Staging(say, JSON.parse(this.dataset.languages), (wanted) => this.#send(wanted));
    this.veil = h("div", { class: "mg-up-veil", hidden: true }, say("up_drop_here"));
    this.input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": say("up_choose") });
    this.input.addEventListener("change", () => {
      this.staging.add([...this.input.files]);
      this.input.value = "";
    });
    document.body.append(this.veil, this.input);
    this.#listen();
  }

  #listen() {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      this.veil.hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.veil.hidden = true;
    });
    addEventListener("drop", (event) => {
      this.veil.hidden = true;
      if (!carries(event)) return;
      event.preventDefault();
      this.staging.add([...event.dataTransfer.files]);
    });
    addEventListener("click", (event) => {
      if (event.target.closest("[data-mg-upload]")) this.input.click();
    });
    addEventListener("beforeunload", (event) => {
      if (this.tray.isUnderWay) event.preventDefault();
    });
  }

  #send(wanted) {
    for (const each of wanted) {
      const bringing = new Bringing(each, this.#turns);
      this.tray.show(bringing);
      bringing.addEventListener("change", () => {
        if (bringing.state === "done") globalThis.emitEvent?.("mg-recordings");
      });
      bringing.run();
    }
  }
}

customElements.define("mg-uploads", Uploads);

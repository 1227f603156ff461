/** Somebody else has saved the glossary meanwhile: what they changed, and what to do. */

import { ofClock } from "../search/hit.js";
import { button, h } from "../dom.js";
import { differences, merged } from "./merging.js";

const MOST = 50; // changes that are shown

export class Conflict {
  /**
   * @param {import("../phrases.js").Say} say
   * @param {(found: any) => void} together
   * @param {(theirs: any) => void} take
   */
  constructor(say, together, take) {
    this.say = say;
    this.together = together;
    this.take = take;
    this.element = h("section", { class: "mg-notice mg-careful mg-gls-conflict", role: "alert", hidden: true });
  }

  close() {
    this.element.hidden = true;
  }

  /** @param {any} base @param {any} theirs @param {any[] | null} mine null where it cannot be read yet */
  show(base, theirs, mine) {
    const { say } = this;
    const changes = differences(base.entries, theirs.entries);
    const who = theirs.author_name ?? say("gls_somebody");
    const put = () => { this.close(); this.together({ base: theirs, ...merged(base.entries, mine ?? [], theirs.entries) }); };
    const theirsOnly = () => { if (confirm(say("gls_take_sure"))) { this.close(); this.take(theirs); } };
    this.element.replaceChildren(
      h("p", { class: "mg-gls-who" }, say("gls_stale", { who, revision: theirs.revision, at: ofClock(theirs.created) })),
      h("ul", { class: "mg-gls-changes" }, ...changes.slice(0, MOST).map((each) => this.#change(each))),
      h("div", { class: "mg-row" },
        mine && button(say("gls_merge"), put, "mg-primary", "join"),
        button(say("gls_take"), theirsOnly)),
    );
    this.element.hidden = false;
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {import("./merging.js").Difference} change */
  #change({ kind, before, after }) {
    const said = (entry) => `${entry.written} ← ${entry.spoken.join(" | ")}`;
    return h("li", {}, before && h("del", {}, said(before)), before && after && " ", after && h("ins", {}, said(after)));
  }
}

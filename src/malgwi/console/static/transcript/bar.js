/** The bar of the player: play, the moment, the speed, and what it is doing. */

import { fill, h } from "../dom.js";
import { icon, iconButton } from "./icons.js";

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

/** @typedef {import("./page.js").Page} Page */

export class Bar {
  /** @param {Page} page @param {() => void} bookmark */
  constructor(page, bookmark) {
    this.page = page;
    const { say, player } = page;
    this.play = iconButton("play", say("play"), () => this.toggle(), { class: "mg-button mg-primary mg-icon mg-t-play" });
    this.time = h("span", { class: "mg-t-time mg-number" });
    this.rate = h(
      "select",
      { class: "mg-select", "aria-label": say("speed"), title: say("speed"), change: () => (player.rate = Number(this.rate.value)) },
      ...RATES.map((each) => h("option", { value: each, selected: each === 1 }, `${each}×`)),
    );
    this.who = h("span", { class: "mg-t-speaking" });
    this.state = h("span", { class: "mg-t-state", role: "status" });
    this.element = h(
      "div",
      { class: "mg-t-bar", role: "group", "aria-label": say("player") },
      iconButton("back", say("key-back-5"), () => page.seek(player.position - 5)),
      this.play,
      iconButton("ahead", say("key-ahead-5"), () => page.seek(player.position + 5)),
      this.time,
      this.state,
      this.who,
      page.may && iconButton("bookmark", say("key-bookmark"), bookmark),
      this.rate,
    );
    player.addEventListener("change", () => this.#show());
    page.addEventListener("view", () => this.now(player.position));
    this.#show();
    this.now(0);
  }

  toggle() {
    const { player } = this.page;
    if (player.state === "paused") player.play();
    else player.pause();
  }

  /** @param {number} time */
  now(time) {
    const { page } = this;
    const shown = `${page.timeOf(time, 1)} / ${page.timeOf(page.outline.duration)}`;
    if (this.time.textContent !== shown) this.time.textContent = shown;
    const said = page.outline.saying(time).filter((each) => page.heard(page.laneAt(each)));
    const who = [...new Set(said.map((each) => page.outline.speakerOf(each) || page.labelOf(each)))].join(", ");
    if (this.who.textContent !== who) this.who.textContent = who;
  }

  #show() {
    const { player, say } = this.page;
    const playing = player.state !== "paused";
    const label = say(playing ? "pause" : "play");
    fill(this.play, icon(playing ? "pause" : "play"));
    this.play.title = label;
    this.play.setAttribute("aria-label", label);
    this.state.textContent = player.state === "loading" ? say("loading") : "";
    this.state.classList.toggle("mg-t-loading", player.state === "loading");
    this.rate.value = String(player.rate);
  }
}

/** A hit in the list: what was said in its context, where, when and by whom. */

import { spoken } from "../transcript/clock.js";
import { h, icon } from "../dom.js";

/** @typedef {import("../phrases.js").Say} Say */

/** @param {any} hit */
export function keyOf(hit) {
  return `${hit.transcript}/${hit.utterance}`;
}

/** The text in bits, marked or not; `parts` are counted in code points. */
export function bits(text, parts) {
  const letters = [...text];
  const found = [];
  let at = 0;
  for (const [from, to] of [...parts, [letters.length, letters.length]]) {
    if (from > at) found.push(letters.slice(at, from).join(""));
    if (to > from) found.push(h("mark", {}, letters.slice(from, to).join("")));
    at = Math.max(at, to);
  }
  return found;
}

/**
 * @param {any} hit
 * @param {Say} say
 * @param {{play: () => void, only: () => void, leave: () => void}} acts
 */
export function drawn(hit, say, acts) {
  const moment = spoken(hit.start, 1);
  const play = h("button", {
    type: "button", class: "mg-button mg-icon mg-find-play", click: acts.play,
    "aria-label": say("find_play", { time: moment }), title: say("find_play_tip"),
  }, icon("play"));
  const to = `/transcripts/${encodeURIComponent(hit.transcript)}#t=${Math.floor(hit.start * 10) / 10}`;
  const link = h("a", { class: "mg-find-moment mg-number", href: to, title: say("find_open"), click: acts.leave }, moment);
  const only = h("button", { type: "button", class: "mg-find-name", title: say("find_only"), click: acts.only }, hit.recording_name);
  return h("li", { class: "mg-find-hit", "data-key": keyOf(hit) },
    play,
    h("div", { class: "mg-find-body" },
      h("div", { class: "mg-find-head" },
        link, only,
        h("span", { class: "mg-chip" }, hit.channel_label),
        hit.speaker && h("span", { class: "mg-find-speaker" }, hit.speaker),
        hit.at && h("time", { class: "mg-find-at mg-number", datetime: hit.at }, ofClock(hit.at)),
      ),
      beside(hit.before, hit),
      h("p", { class: "mg-find-text", lang: "" }, ...bits(hit.text, hit.parts)),
      beside(hit.after, hit),
      h("div", { class: "mg-find-done", "aria-hidden": "true" }),
    ),
  );
}

/** What was said before or after, with who said it where that is another. */
function beside(line, hit) {
  if (!line) return null;
  const same = line.channel === hit.channel && line.speaker === hit.speaker;
  const who = same ? null : h("span", { class: "mg-find-who" }, line.speaker ?? line.channel_label);
  return h("p", { class: "mg-find-beside" }, who, line.text);
}

/** @param {string} at */
export function ofClock(at) {
  const moment = new Date(at);
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return moment.toLocaleString(document.documentElement.lang, {
    year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
}

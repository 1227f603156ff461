/** What to know about the recording and how it was recognised: damage, guesses, a fall back. */

import { reason } from "../reasons.js";
import { h } from "../dom.js";

/**
 * @param {{notices: {code: string, message: string}[], device: string, fallback: string | null}} outline
 * @param {import("./page.js").Say} say
 * @returns {HTMLElement} hidden where there is nothing to say
 */
export function about(outline, say) {
  const list = h("ul");
  const all = outline.notices.length + (outline.fallback ? 1 : 0);
  const element = h("details", { class: "mg-t-about", hidden: !all }, h("summary", {}, say("about", { n: all })), list);
  void filled(list, outline, say);
  return element;
}

/** @param {HTMLElement} list @param {Parameters<typeof about>[0]} outline @param {import("./page.js").Say} say */
async function filled(list, outline, say) {
  const { device, fallback } = outline;
  const lines = await Promise.all(outline.notices.map((each) => reason(each.message)));
  if (fallback) lines.unshift(say("about-fallback", { device, why: await reason(fallback) }));
  list.append(...lines.map((line) => h("li", {}, line)));
}

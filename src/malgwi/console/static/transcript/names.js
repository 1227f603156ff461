/** Names of speakers and channels, changed from where one sees them. */

import { send } from "./api.js";
import { ask, labelled } from "./dialog.js";
import { h } from "../dom.js";

/** @typedef {import("./page.js").Page} Page */

/**
 * Who speaks: here, everywhere, or on the whole channel.
 * @param {Page} page
 * @param {HTMLElement} within
 * @param {number} position
 * @param {(revision: number) => void} did
 */
export function renameSpeaker(page, within, position, did) {
  const { say, outline } = page;
  const old = outline.speakerOf(position);
  const channel = outline.channel[position];
  const name = h("input", { class: "mg-input", value: old, list: "mg-t-names", maxlength: 300, autocomplete: "off", autofocus: true });
  const choice = (/** @type {string} */ value, /** @type {string} */ label, checked = false) =>
    h("label", { class: "mg-check" }, h("input", { type: "radio", name: "where", value, checked }), label);
  const places = [
    old && choice("everywhere", say("everywhere", { speaker: old, n: count(page, outline.speaker[position]) }), true),
    choice("here", say("only-here"), !old),
    choice("channel", say(old ? "on-channel" : "unnamed", { channel: page.labelOf(position), speaker: old })),
  ];
  const content = [
    h("datalist", { id: "mg-t-names" }, ...outline.speakers.map((value) => h("option", { value }))),
    labelled(say("speaker"), name),
    h("fieldset", { class: "mg-t-choices" }, h("legend", { class: "mg-label" }, say("where")), ...places),
  ];
  const act = async () => {
    const where = /** @type {HTMLInputElement} */ (dialog.querySelector("[name=where]:checked")).value;
    const to = name.value.trim();
    if (to === old) return;
    if (where === "here") {
      const revision = await page.correct(outline.revision, [{ utterance: outline.ids[position], speaker: to }]);
      await page.corrected(position, revision.number);
      return did(revision.number);
    }
    const names = { [old]: to };
    const on = where === "channel" ? { channel } : {};
    const revision = await send("POST", `${page.path}/speakers`, { base_revision: outline.revision, names, ...on });
    await page.renew();
    did(revision.number);
  };
  const dialog = ask({ within, say, title: say("rename-speaker"), content, label: say("rename"), act: () => fresh(page, act) });
  name.select();
}

/** How often a speaker speaks. @param {Page} page @param {number} speaker */
function count(page, speaker) {
  return page.outline.speaker.reduce((sum, each) => sum + Number(each === speaker), 0);
}

/** @param {Page} page @param {HTMLElement} within @param {number} lane */
export function renameChannel(page, within, lane) {
  const { say, outline } = page;
  const name = h("input", { class: "mg-input", value: outline.lanes[lane].label, maxlength: 200, required: true, autocomplete: "off" });
  const act = async () => {
    const labels = outline.lanes.map((each, at) => (at === lane ? name.value.trim() : each.label));
    await send("PATCH", `/v1/recordings/${encodeURIComponent(outline.recording)}`, { channel_labels: labels });
    await page.renew();
  };
  const title = say("rename-channel", { channel: outline.lanes[lane].label });
  ask({ within, say, title, content: [labelled(say("name"), name)], label: say("rename"), act });
  name.select();
}

/** Reads the transcript again where somebody was faster, so that one can look and try again. @param {Page} page @param {() => Promise<void>} act */
async function fresh(page, act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof Error && "stale" in error && error.stale) {
      await page.renew();
      throw new Error(page.say("stale"));
    }
    throw error;
  }
}

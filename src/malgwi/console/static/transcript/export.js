/** Every format as a link, of the whole transcript or of a channel. */

import { withQuery } from "./api.js";
import { ask, labelled } from "./dialog.js";
import { fill, h } from "../dom.js";

const FORMATS = ["docx", "txt", "srt", "vtt", "csv", "json", "rttm", "ctm"];

/** @param {import("./page.js").Page} page @param {HTMLElement} within */
export function exportDialog(page, within) {
  const { say, outline } = page;
  const channels = outline.lanes.map((each) => h("option", { value: each.index }, each.label));
  const links = h("ul", { class: "mg-t-formats" });
  const show = () => {
    const query = { transcript: outline.transcript, channel: channel.value === "" ? null : channel.value };
    const link = (/** @type {string} */ format) => h("a", { class: "mg-t-format", href: withQuery(`/v1/exports/${format}`, query), download: "" }, h("strong", {}, format.toUpperCase()), h("span", { class: "mg-muted mg-small" }, say(`format-${format}`)));
    fill(links, ...FORMATS.map((format) => h("li", {}, link(format))));
  };
  const channel = h("select", { class: "mg-select", change: show }, h("option", { value: "" }, say("all-channels")), ...channels);
  show();
  ask({ within, say, title: say("export"), content: [h("div", { class: "mg-stack mg-t-stack" }, labelled(say("channel"), channel), links)] });
}

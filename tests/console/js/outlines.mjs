/** Outlines to test with. */

import { Outline } from "../../../src/malgwi/console/static/transcript/outline.js";

/**
 * @param {[channel: number, start: number, end: number, flags?: number, speaker?: number][]} said
 * @param {number} channels
 * @param {number} duration
 */
export function outline(said, channels, duration) {
  return new Outline({
    transcript_id: "t",
    recording_id: "r",
    recording_name: "name",
    revision: 1,
    duration,
    started: null,
    channels: Array.from({ length: channels }, (_, index) => ({ index, label: `Channel ${index + 1}` })),
    speakers: ["Kim", "Lee"],
    low_confidence: 0.5,
    utterances: {
      id: said.map((_, at) => `u${at}`),
      channel: said.map(([channel]) => channel),
      start: said.map(([, start]) => start),
      end: said.map(([, , end]) => end),
      flags: said.map(([, , , flags]) => flags ?? 0),
      speaker: said.map(([, , , , speaker]) => speaker ?? -1),
    },
  });
}

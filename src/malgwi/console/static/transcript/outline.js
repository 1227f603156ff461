/**
 * When who speaks, of a whole transcript, without what they say: columns as they came, and an index
 * of them by time for each channel. An utterance is named by its position in the transcript.
 */

export const FLAG = { low: 1, duplicate: 2, suppressed: 4, corrected: 8, ruled: 16 };

/** @typedef {{index: number, label: string, positions: Uint32Array, ends: Float64Array}} Lane
 *     `ends` is the latest end up to there */

export class Outline {
  /** @param {any} answer of /v1/transcripts/{id}/outline */
  constructor(answer) {
    const { id, channel, start, end, speaker, flags } = answer.utterances;
    this.transcript = /** @type {string} */ (answer.transcript_id);
    this.recording = /** @type {string} */ (answer.recording_id);
    this.name = /** @type {string} */ (answer.recording_name);
    this.revision = /** @type {number} */ (answer.revision);
    this.duration = /** @type {number} */ (answer.duration);
    this.started = answer.started ? Date.parse(answer.started) : null;
    this.device = /** @type {string} */ (answer.device ?? "");
    this.fallback = /** @type {string | null} */ (answer.fallback_reason ?? null);
    this.notices = /** @type {{code: string, message: string}[]} */ (answer.notices ?? []);
    this.unsure = /** @type {number} */ (answer.low_confidence);
    this.speakers = /** @type {string[]} */ (answer.speakers);
    this.ids = /** @type {string[]} */ (id);
    this.channel = Uint16Array.from(channel);
    this.start = Float64Array.from(start);
    this.end = Float64Array.from(end);
    this.speaker = Int32Array.from(speaker);
    this.flags = Uint8Array.from(flags);
    this.count = this.ids.length;
    this.lanes = this.#lanes(answer.channels);
    this.laneOf = new Map(this.lanes.map((lane, at) => [lane.index, at]));
    this.positionOf = new Map(this.ids.map((each, position) => [each, position]));
  }

  /** @param {{index: number, label: string}[]} channels @returns {Lane[]} */
  #lanes(channels) {
    /** @type {Map<number, number[]>} */
    const positions = new Map(channels.map((each) => [each.index, []]));
    for (let at = 0; at < this.count; at++) positions.get(this.channel[at])?.push(at);
    return channels.map(({ index, label }) => {
      const own = Uint32Array.from(positions.get(index) ?? []);
      let latest = 0;
      const ends = Float64Array.from(own, (at) => (latest = Math.max(latest, this.end[at])));
      return { index, label, positions: own, ends };
    });
  }

  /** Whether it is known of more than half who speaks: of fewer, channels tell them apart better. */
  get mostAreNamed() {
    return this.speaker.filter((each) => each >= 0).length * 2 > this.count;
  }

  /** The name of who speaks; empty where nobody knows. @param {number} position */
  speakerOf(position) {
    return this.speakers[this.speaker[position]] ?? "";
  }

  /** The last that begins then or earlier; -1 before the first. @param {number} time */
  at(time) {
    return beyond(this.start, time) - 1;
  }

  /** Those that are being said then, in order. @param {number} time */
  saying(time) {
    const found = [];
    for (const lane of this.lanes) {
      for (let at = beyond(lane.ends, time); at < lane.positions.length; at++) {
        const position = lane.positions[at];
        if (this.start[position] > time) break;
        if (this.end[position] > time) found.push(position);
      }
    }
    return found.sort((one, other) => one - other);
  }
}

/** How many of what is sorted are `limit` or less. @param {Float64Array} sorted @param {number} limit */
export function beyond(sorted, limit) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

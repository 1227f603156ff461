/** What somebody typed and has not saved: kept by the browser until they do, for as long as the tab. */

/** @typedef {{utterance: string, start: number, text: string, speaker: string, from: {text: string, speaker: string}}} Draft */

const PREFIX = "malgwi-draft";

/** @param {string} transcript @param {Draft} draft */
export function keep(transcript, draft) {
  sessionStorage.setItem(`${PREFIX}:${transcript}:${draft.utterance}`, JSON.stringify(draft));
}

/** @param {string} transcript @param {string} utterance */
export function discard(transcript, utterance) {
  sessionStorage.removeItem(`${PREFIX}:${transcript}:${utterance}`);
}

/** @param {string} transcript @returns {Draft[]} in order of time */
export function drafts(transcript) {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(`${PREFIX}:${transcript}:`))
    .map((key) => JSON.parse(sessionStorage.getItem(key) ?? "{}"))
    .sort((one, other) => one.start - other.start);
}

/** Entries of a glossary as the YAML that people write. Pure; the API reads it. */

/** @typedef {{id?: string, written: string, spoken: string[], match?: string | null, channels?: string[], languages?: string[], case_sensitive?: boolean}} Entry */

const PLAIN = /^[\p{L}\p{N}](?:[\p{L}\p{N} _./()+-]*[\p{L}\p{N})])?$/u;

/** @param {Entry[]} entries @returns {{text: string, lines: number[]}} and on which line, from 1, each begins */
export function yamlOf(entries) {
  const [text, lines] = [/** @type {string[]} */ ([]), /** @type {number[]} */ ([])];
  for (const entry of entries) {
    lines.push(text.length + 1);
    text.push(...keys(entry).map((line, place) => (place ? "  " : "- ") + line));
  }
  return { text: text.length ? `${text.join("\n")}\n` : "", lines };
}

/** Which entry a line belongs to. @param {number[]} lines @param {number} line */
export function entryAt(lines, line) {
  return lines.findLastIndex((begins) => begins <= line);
}

/** @param {Entry} entry */
function keys(entry) {
  return [
    `written: ${scalar(entry.written)}`,
    `spoken: ${list(entry.spoken)}`,
    ...(entry.id && entry.id !== stem(entry.written) ? [`id: ${scalar(entry.id)}`] : []),
    ...(entry.match ? [`match: ${entry.match}`] : []),
    ...(entry.channels?.length ? [`channels: ${list(entry.channels)}`] : []),
    ...(entry.languages?.length ? [`languages: ${list(entry.languages)}`] : []),
    ...(entry.case_sensitive ? ["case_sensitive: true"] : []),
  ];
}

/** The id that an entry gets where it has none: one that says as much is left out. @param {string} written */
function stem(written) {
  return written.toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^-+|-+$/g, "");
}

/** @param {string[]} values */
function list(values) {
  return `[${values.map(scalar).join(", ")}]`;
}

/** Plain where it cannot be taken for anything else; a string of JSON is one of YAML, too. */
function scalar(value) {
  return PLAIN.test(value) ? value : JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, escaped);
}

/** @param {string} letter */
function escaped(letter) {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

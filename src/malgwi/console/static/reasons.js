/**
 * Why something failed or was refused, in the language of the page: as `reasons.py` says it, by the
 * same table. What is not in it stays in English.
 */

/** @typedef {{types: Record<string, string>, parts: Record<string, Record<string, string>>, sentences: [string, string][]}} Table */

const LONGEST = 2000; // characters: a longer one is none of ours, and takes long to compare
const PART = /\{(\w+)\}/g;

/** @type {Promise<Table> | null} */
let table = null;

/**
 * @param {string} sentence
 * @param {any} [problem] of the API, whose detail it is
 * @returns {Promise<string>}
 */
export async function reason(sentence, problem = {}) {
  if (document.documentElement.lang !== "ko" || sentence.length > LONGEST) return sentence;
  try {
    table ??= fetch(new URL("reasons.json", import.meta.url)).then((answer) => answer.json());
    return said(await table, sentence, problem);
  } catch {
    table = null; // the connection is away: it is asked for again
    return sentence;
  }
}

/** In Korean. @param {Table} table @param {string} sentence @param {any} problem */
export function said(table, sentence, problem = {}) {
  const known = table.types[String(problem.type).split(":").pop() ?? ""];
  const isWhole = known && [...known.matchAll(PART)].every(([, part]) => (problem[part] ?? null) !== null);
  return isWhole ? filled(known, problem) : korean(table, sentence);
}

/** @param {Table} table @param {string} sentence @returns {string} */
function korean(table, sentence) {
  for (const [english, known] of table.sentences) {
    const found = patternOf(english).exec(sentence);
    if (found) {
      const parts = Object.entries(found.groups ?? {}).map(([name, text]) => [
        name,
        name === "why" ? korean(table, text) : (table.parts[name]?.[text] ?? text),
      ]);
      return filled(known, Object.fromEntries(parts));
    }
  }
  return sentence;
}

/** @param {string} known @param {Record<string, any>} parts */
function filled(known, parts) {
  return known.replace(PART, (_, part) => String(parts[part]));
}

/** @param {string} english */
function patternOf(english) {
  const escaped = english.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
  return new RegExp(`^${escaped.replace(PART, "(?<$1>.+?)")}$`, "s");
}

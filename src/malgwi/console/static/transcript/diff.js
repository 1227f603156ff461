/** What is other in a text, by words; and two people's changes put together. Pure. */

/** @typedef {{kind: "same" | "gone" | "new", text: string}} Part */
/** @typedef {{from: number, to: number, words: string[]}} Hunk words of the base that became others */

const MOST = 4_000_000; // cells of the table: more than any line that somebody says

/** @param {string} text @returns {string[]} words with the space before them; joined they are the text */
export function wordsOf(text) {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** @param {string} before @param {string} after @returns {Part[]} */
export function diff(before, after) {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  /** @type {Part[]} */
  const parts = [];
  let [o, n] = [0, 0];
  const add = (/** @type {Part["kind"]} */ kind, /** @type {string[]} */ words) => {
    if (words.length) parts.push({ kind, text: words.join("") });
  };
  for (const hunk of hunks(old, now)) {
    const same = hunk.from - o;
    add("same", now.slice(n, n + same));
    add("gone", old.slice(hunk.from, hunk.to));
    add("new", hunk.words);
    [o, n] = [hunk.to, n + same + hunk.words.length];
  }
  add("same", now.slice(n));
  return parts;
}

/**
 * What two people made of the same text; null where both changed the same place.
 * @param {string} base
 * @param {string} mine
 * @param {string} theirs
 * @returns {string | null}
 */
export function merge(base, mine, theirs) {
  const words = wordsOf(base);
  const all = [...hunks(words, wordsOf(mine)), ...hunks(words, wordsOf(theirs))];
  all.sort((one, other) => one.from - other.from || one.to - other.to);
  const merged = [];
  let at = 0;
  /** @type {Hunk | undefined} */
  let last;
  for (const hunk of all) {
    if (last && alike(last, hunk)) continue;
    if (last && (hunk.from < last.to || hunk.from === last.from)) return null;
    merged.push(...words.slice(at, hunk.from), ...hunk.words);
    [at, last] = [hunk.to, hunk];
  }
  return [...merged, ...words.slice(at)].join("").trim();
}

/** @param {Hunk} one @param {Hunk} other */
function alike(one, other) {
  const [a, b] = [one.words.join(""), other.words.join("")];
  return one.from === other.from && one.to === other.to && a === b;
}

/** @param {string[]} old @param {string[]} now @returns {Hunk[]} */
function hunks(old, now) {
  let head = 0;
  while (head < Math.min(old.length, now.length) && same(old[head], now[head])) head++;
  let [o, n] = [old.length, now.length];
  while (o > head && n > head && same(old[o - 1], now[n - 1])) [o, n] = [o - 1, n - 1];
  if (o === head && n === head) return [];
  if ((o - head) * (n - head) > MOST) return [{ from: head, to: o, words: now.slice(head, n) }];
  return walked(old.slice(head, o), now.slice(head, n), head);
}

/** By the longest common subsequence. @param {string[]} old @param {string[]} now @param {number} head */
function walked(old, now, head) {
  const wide = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * wide);
  for (let o = old.length - 1; o >= 0; o--) {
    for (let n = now.length - 1; n >= 0; n--) {
      longest[o * wide + n] = same(old[o], now[n])
        ? longest[(o + 1) * wide + n + 1] + 1
        : Math.max(longest[(o + 1) * wide + n], longest[o * wide + n + 1]);
    }
  }
  /** @type {Hunk[]} */
  const found = [];
  /** @type {Hunk | undefined} that is being read */
  let hunk;
  for (let [o, n] = [0, 0]; o < old.length || n < now.length; ) {
    if (o < old.length && n < now.length && same(old[o], now[n])) {
      [o, n, hunk] = [o + 1, n + 1, undefined];
      continue;
    }
    if (!hunk) found.push((hunk = { from: head + o, to: head + o, words: [] }));
    const [without, within] = [longest[(o + 1) * wide + n], longest[o * wide + n + 1]];
    if (n === now.length || (o < old.length && without >= within)) hunk.to = head + ++o;
    else hunk.words.push(now[n++]);
  }
  return found;
}

/** @param {string} one @param {string} other */
function same(one, other) {
  return one.trim() === other.trim();
}

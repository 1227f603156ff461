/** What the rules made of the raw text, one after the other, in whole words. Pure. */

/** @typedef {import("./texts.js").Change} Change */

/**
 * Each change with the words around it: where a letter became another one sees of which word.
 * @param {string} raw
 * @param {Change[]} changes in the order in which they were made, places in code points
 * @returns {{rule: string, before: string, after: string}[]}
 */
export function steps(raw, changes) {
  const letters = [...raw];
  return changes.map(({ rule, start, end, after }) => {
    const added = [...after];
    let [first, last] = [start, end];
    while (first > 0 && letters[first - 1].trim()) first--;
    while (last < letters.length && letters[last].trim()) last++;
    const before = letters.slice(first, last).join("");
    const ends = letters.slice(end, last);
    const now = [...letters.slice(first, start), ...added, ...ends].join("");
    letters.splice(start, end - start, ...added);
    return { rule, before: before.trim(), after: now.trim() };
  });
}

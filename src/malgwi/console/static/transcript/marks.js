/** Words of an utterance with what a search found in them. Pure. */

/** @typedef {{text: string, marked: boolean}} Bit */

/**
 * Each word in bits, marked or not, without the space around it. The words joined and stripped are
 * the text.
 * @param {string[]} words
 * @param {[number, number][]} parts of the text that are marked, in code points, from and to
 * @returns {Bit[][]}
 */
export function marked(words, parts) {
  const joined = words.join("");
  let at = -[...joined].length + [...joined.trimStart()].length;
  return words.map((word) => {
    const letters = [...word];
    /** @type {Bit[]} */
    const bits = [];
    letters.forEach((letter, i) => {
      if (!letter.trim() && (i === 0 || i === letters.length - 1)) return;
      const is = parts.some(([from, to]) => at + i >= from && at + i < to);
      const last = bits.at(-1);
      if (last && last.marked === is) last.text += letter;
      else bits.push({ text: letter, marked: is });
    });
    at += letters.length;
    return bits;
  });
}

/** Two people's changes of one glossary, put together entry by entry. Pure. */

/** @typedef {import("./yaml.js").Entry} Entry */
/** @typedef {{kind: "new" | "gone" | "changed", before?: Entry, after?: Entry}} Difference */

/** What is other. @param {Entry[]} before @param {Entry[]} after @returns {Difference[]} */
export function differences(before, after) {
  const [old, now] = [byId(before), byId(after)];
  const found = /** @type {Difference[]} */ ([]);
  for (const [id, each] of old) {
    const other = now.get(id);
    if (!other) found.push({ kind: "gone", before: each });
    else if (!same(each, other)) found.push({ kind: "changed", before: each, after: other });
  }
  for (const [id, each] of now) if (!old.has(id)) found.push({ kind: "new", after: each });
  return found;
}

/**
 * Mine with what they changed since; where both changed an entry it is mine, and `both` has theirs.
 * @param {Entry[]} base @param {Entry[]} mine @param {Entry[]} theirs
 */
export function merged(base, mine, theirs) {
  const old = byId(base);
  const entries = [...mine];
  const both = /** @type {Difference[]} */ ([]);
  for (const change of differences(base, theirs)) {
    const id = idOf(/** @type {Entry} */ (change.before ?? change.after));
    const at = entries.findIndex((each) => idOf(each) === id || (!each.id && each.written === change.after?.written));
    const there = at < 0 ? undefined : entries[at];
    const before = old.get(id);
    const untouched = before ? there && same(before, there) : !there;
    if (untouched && change.kind === "gone") entries.splice(at, 1);
    else if (untouched && change.after) at < 0 ? entries.push(change.after) : entries.splice(at, 1, change.after);
    else if (!(there && change.after && same(there, change.after)) && (there || change.after)) both.push(change);
  }
  return { entries, both };
}

/** @param {Entry} one @param {Entry} other */
export function same(one, other) {
  return facts(one) === facts(other);
}

/** @param {Entry} each */
function facts(each) {
  const { written, spoken, match, channels, languages, case_sensitive } = each;
  return JSON.stringify([written, spoken, match ?? null, channels ?? [], languages ?? [], Boolean(case_sensitive)]);
}

/** A new one has no id yet, and is known by how it is written. @param {Entry} each */
function idOf(each) {
  return each.id || `\0${each.written}`;
}

/** @param {Entry[]} entries @returns {Map<string, Entry>} */
function byId(entries) {
  return new Map(entries.map((each) => [idOf(each), each]));
}

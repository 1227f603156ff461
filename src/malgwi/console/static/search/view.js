/** What is looked for, as the address of the page says it. Pure. */

const FIELDS = ["q", "channel", "speaker", "label", "recording", "since", "until", "order"];
const ORDERS = ["relevance", "time"];

/** @typedef {Record<string, string>} View what is empty asks for nothing; the names are the API's */

/** What in it is no filter of ours is left out. @param {string} query @returns {View} */
export function viewOf(query) {
  const said = new URLSearchParams(query);
  const view = Object.fromEntries(FIELDS.map((name) => [name, said.get(name) ?? ""]));
  if (!ORDERS.includes(view.order)) view.order = ORDERS[0];
  if (!/^\d{0,4}$/.test(view.channel)) view.channel = "";
  for (const name of ["since", "until"]) view[name] = momentOf(view[name]);
  return view;
}

/** @param {View} view @returns {URLSearchParams} without what asks for nothing */
export function queryOf(view) {
  const given = FIELDS.filter((name) => view[name] && !(name === "order" && view.order === ORDERS[0]));
  return new URLSearchParams(given.map((name) => [name, view[name]]));
}

/** @param {View} view */
export function addressOf(view) {
  const query = queryOf(view).toString();
  return query ? `/search?${query}` : "/search";
}

/** How many filters there are beside the words. @param {View} view */
export function filtersOf(view) {
  return FIELDS.filter((name) => name !== "q" && name !== "order" && view[name]).length;
}

/** @param {View} view */
export function withoutFilters(view) {
  return { ...viewOf(""), q: view.q, order: view.order };
}

/** A moment of the clock here, as a field has it. @param {string} moment ISO 8601 or empty */
export function local(moment) {
  const at = new Date(moment || Number.NaN);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {string} said a moment of the clock here, or any with a zone; empty where it is neither */
export function momentOf(said) {
  const at = new Date(said || Number.NaN);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

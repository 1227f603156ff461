/** What was typed in a glossary and is not saved, and a file that is on its way to one. */

const PREFIX = "malgwi-glossary";
const IMPORT = "malgwi-glossary-file";

/** @param {string} name of the person and the glossary @param {unknown} draft */
export function keep(name, draft) {
  sessionStorage.setItem(`${PREFIX}:${name}`, JSON.stringify(draft));
}

/** @param {string} name */
export function discard(name) {
  sessionStorage.removeItem(`${PREFIX}:${name}`);
}

/** @param {string} name */
export function draftOf(name) {
  return JSON.parse(sessionStorage.getItem(`${PREFIX}:${name}`) ?? "null");
}

/** @param {{name: string, text: string}} file */
export function giveImport(file) {
  sessionStorage.setItem(IMPORT, JSON.stringify(file));
}

/** Once. @returns {{name: string, text: string} | null} */
export function takeImport() {
  const file = JSON.parse(sessionStorage.getItem(IMPORT) ?? "null");
  sessionStorage.removeItem(IMPORT);
  return file;
}

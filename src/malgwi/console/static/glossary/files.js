/** Files of glossaries: YAML or CSV. */

import { h } from "../dom.js";

/** @returns {Promise<{name: string, text: string} | null>} null where nobody chose one */
export function chooseFile() {
  return new Promise((resolve) => {
    const field = h("input", { type: "file", accept: ".yaml,.yml,.csv", hidden: true });
    const done = (file) => { field.remove(); resolve(file); };
    field.addEventListener("cancel", () => done(null));
    field.addEventListener("change", async () => {
      const [file] = field.files;
      done(file ? { name: file.name, text: await file.text() } : null);
    });
    document.body.append(field);
    field.click();
  });
}

/** @param {string} name */
export function typeOf(name) {
  return name.toLowerCase().endsWith(".csv") ? "text/csv" : "application/yaml";
}

/** What a glossary that is in this file may be called. @param {string} name */
export function calledAfter(name) {
  return name.replace(/\.(ya?ml|csv)$/i, "").replace(/[/\\]/g, "-").trim().slice(0, 100);
}

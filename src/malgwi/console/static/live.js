/**
 * What a page does that shows how things are now: moments as the clock here has them, and telling it
 * of Back and of being looked at.
 */

const language = () => document.documentElement.lang || "en";

/** <mg-time at="2026-03-01T00:30:00Z">, written for whoever looks. */
class Time extends HTMLElement {
  static observedAttributes = ["at"];

  attributeChangedCallback() {
    const at = new Date(this.getAttribute("at"));
    if (Number.isNaN(at.getTime())) return;
    const year = at.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    const day = { year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    this.textContent = at.toLocaleString(language(), day);
    this.title = at.toLocaleString(language(), { dateStyle: "full", timeStyle: "long" });
  }
}

customElements.define("mg-time", Time);

addEventListener("popstate", () => globalThis.emitEvent?.("mg-back", location.search));
document.addEventListener("visibilitychange", () => globalThis.emitEvent?.("mg-looked-at", !document.hidden));

/** People: copying a key, choosing a moment, and one's own password. */

import "./live.js";
import { reason } from "./reasons.js";

/** <mg-moment label hint>: a moment to choose; tells it with its offset. */
class Moment extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.className = "mg-field";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const hint = document.createElement("span");
    label.textContent = this.getAttribute("label");
    label.htmlFor = input.id = "mg-moment";
    input.type = "datetime-local";
    input.className = "mg-input";
    hint.textContent = this.getAttribute("hint");
    hint.className = "mg-hint";
    input.addEventListener("change", (event) => {
      event.stopPropagation();
      const at = new Date(input.value);
      const detail = Number.isNaN(at.getTime()) ? "" : at.toISOString();
      this.dispatchEvent(new CustomEvent("moment", { detail }));
    });
    this.append(label, input, hint);
  }
}

customElements.define("mg-moment", Moment);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-mg-copy]");
  if (button) copy(button);
});

/** Where the clipboard is not to be had, as without https, the text is marked for Ctrl-C. */
async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.mgCopy);
    malgwi.toast(button.dataset.mgCopied);
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "mg-password") return;
  event.preventDefault();
  changePassword(event.target);
});

async function changePassword(form) {
  const words = JSON.parse(form.dataset.words);
  const { current, new: wanted, again } = form.elements;
  if (wanted.value !== again.value) return tell(form, words.account_other, "mg-bad");
  const answer = await fetch("/v1/session/password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ current: current.value, new: wanted.value }),
  }).catch(() => null);
  if (answer?.ok) {
    form.reset();
    return tell(form, words.account_changed, "mg-good");
  }
  if (answer?.status === 401) return malgwi.ended();
  if (answer?.status === 429) {
    return tell(form, words.too_many.replace("{seconds}", answer.headers.get("retry-after")), "mg-bad");
  }
  const said = await answer?.json().catch(() => null);
  tell(form, said?.detail ? await reason(said.detail, said) : words.gone, "mg-bad");
}

function tell(form, said, looks) {
  const notice = form.querySelector("[role=status]");
  notice.className = `mg-notice ${looks}`;
  notice.textContent = said;
  notice.hidden = false;
}

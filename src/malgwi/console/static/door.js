// Signing in, and making the first administrator.

import { reason } from "./reasons.js";

const { which, then, gone, wrong, tooMany } = document.body.dataset;
const byPassword = document.getElementById("by-password");
const byKey = document.getElementById("by-key");
const other = document.getElementById("other");

function prepare() {
  if (which !== "first") return;
  document.getElementById("first-why").hidden = false;
  document.getElementById("password-hint").hidden = false;
  document.getElementById("later").hidden = false;
  other.hidden = true;
  const submit = byPassword.querySelector("button");
  submit.textContent = submit.dataset.first;
  byPassword.elements.password.autocomplete = "new-password";
  byPassword.elements.password.minLength = 8;
}

async function send(form, path, body) {
  const submit = form.querySelector("button");
  submit.disabled = true;
  tell(form, "");
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (answer?.ok) {
    globalThis.malgwi.signedIn();
    return location.replace(then);
  }
  if (answer?.status === 429) return wait(form, Number(answer.headers.get("retry-after")) || 1);
  submit.disabled = false;
  tell(form, await why(answer));
  form.querySelector("input").focus();
}

async function why(answer) {
  if (answer?.status === 401) return wrong;
  const said = await answer?.json().catch(() => null);
  return said?.detail ? reason(said.detail, said) : gone;
}

function tell(form, said) {
  const notice = form.querySelector("[role=alert]");
  notice.textContent = said;
  notice.hidden = !said;
}

/** Counts the seconds down until it may be tried again. */
function wait(form, seconds) {
  tell(form, tooMany.replace("{seconds}", seconds));
  if (seconds > 0) return setTimeout(() => wait(form, seconds - 1), 1000);
  form.querySelector("button").disabled = false;
  tell(form, "");
}

byPassword.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, password } = byPassword.elements;
  const path = which === "first" ? "/v1/users/first" : "/v1/session";
  send(byPassword, path, { name: name.value, password: password.value });
});

byKey.addEventListener("submit", (event) => {
  event.preventDefault();
  send(byKey, "/v1/session", { key: byKey.elements.key.value.trim() });
});

other.addEventListener("click", () => {
  byKey.hidden = !byKey.hidden;
  byPassword.hidden = !byPassword.hidden;
  other.textContent = byKey.hidden ? other.dataset.key : other.dataset.password;
});

document.getElementById("later").addEventListener("click", () => {
  document.cookie = "malgwi_later=1; path=/; samesite=lax";
});

prepare();

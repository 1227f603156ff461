// Signing in, and making the first administrator.

const { which, then, gone } = document.body.dataset;
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
  const notice = form.querySelector("[role=alert]");
  submit.disabled = true;
  notice.hidden = true;
  let said = gone;
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return location.replace(then);
    said = (await answer.json()).detail ?? gone;
  } catch {
    // `gone` is what there is to say
  }
  submit.disabled = false;
  notice.textContent = said;
  notice.hidden = false;
  form.querySelector("input").focus();
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

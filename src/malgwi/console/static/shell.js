// What every page does in the browser: brightness, language, signing out, passing words.

const root = document.documentElement;
const THEMES = ["auto", "light", "dark"];

/** The brightness that a person chose, before anything is drawn. */
function applyTheme() {
  const theme = localStorage.getItem("malgwi-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

function say(text) {
  let box = document.querySelector(".mg-toasts");
  if (!box) {
    box = document.createElement("div");
    box.className = "mg-toasts";
    box.setAttribute("role", "status");
    document.body.append(box);
  }
  const toast = document.createElement("div");
  toast.className = "mg-toast";
  toast.textContent = text;
  box.append(toast);
  setTimeout(() => toast.remove(), 6000);
}

async function signOut() {
  await fetch("/v1/session", { method: "DELETE" });
  location.assign("/sign-in");
}

function onClick(event) {
  const target = event.target.closest("[data-mg]");
  if (!target) return;
  const [what, value] = target.dataset.mg.split(":");
  if (what === "sign-out") signOut();
  if (what === "theme") {
    const now = localStorage.getItem("malgwi-theme") ?? "auto";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    localStorage.setItem("malgwi-theme", next);
    applyTheme();
    say(target.dataset[next]);
  }
  if (what === "language") {
    document.cookie = `malgwi_lang=${value}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  }
}

applyTheme();
document.addEventListener("click", onClick);
globalThis.malgwi = { toast: say };

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

/** Pages that are open in other tabs hear of who signs in and out. */
const tabs = new BroadcastChannel("malgwi-session");

async function signOut() {
  await fetch("/v1/session", { method: "DELETE" });
  tabs.postMessage("ended");
  location.assign("/sign-in");
}

/** Says that the session has ended. The page stays as it is, with what somebody wrote in it. */
function ended() {
  const notice = document.querySelector(".mg-ended");
  if (!notice) return;
  const here = location.pathname + location.search + location.hash;
  notice.querySelector("a").href = `/sign-in?next=${encodeURIComponent(here)}`;
  if (!notice.hidden) return;
  notice.hidden = false;
  goOn(); // another tab may have begun a new one already
}

/** After signing in again, here or in another tab: the page goes on, or begins anew for another. */
async function goOn() {
  const notice = document.querySelector(".mg-ended");
  if (!notice || notice.hidden || document.hidden) return;
  const answer = await fetch("/v1/session").catch(() => null);
  if (!answer?.ok) return;
  if (((await answer.json()).name ?? "") !== notice.dataset.mgWho) return location.reload();
  notice.hidden = true;
  renew();
}

/** The page's connection is made anew, with the cookie of now. */
function renew() {
  globalThis.socket?.io.engine.close();
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

/** "/" is for looking: in the field of this page, else on the page for it. */
function onKey(event) {
  const isPlain = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isPlain || event.defaultPrevented || event.isComposing || !document.querySelector(".mg-nav")) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  event.preventDefault();
  const field = document.querySelector(".mg-page input[type=search]");
  if (field?.checkVisibility()) field.focus();
  else location.assign("/search");
}

applyTheme();
document.addEventListener("click", onClick);
addEventListener("keydown", onKey); // after those of the page itself
document.addEventListener("visibilitychange", goOn);
addEventListener("focus", goOn);
tabs.addEventListener("message", (event) => (event.data === "ended" ? ended() : goOn()));
globalThis.malgwi = {
  toast: say,
  ended,
  signedIn: () => tabs.postMessage("signed in"),
};

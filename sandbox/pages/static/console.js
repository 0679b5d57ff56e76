// The developer console: a drawer beside the chat with a tab for apps, people, pushes and faults.

import { drawApps } from "./console-apps.js";
import { drawFaults } from "./console-faults.js";
import { drawPeople } from "./console-people.js";
import { drawPush } from "./console-push.js";
import { t } from "./words.js";

const dialog = document.getElementById("console");
const panel = document.getElementById("console-panel");
const note = document.getElementById("console-note");
const tabs = [...dialog.querySelectorAll("[role=tab]")];
const PAINTERS = { apps: drawApps, people: drawPeople, push: drawPush, faults: drawFaults };
let turn = 0;

// What every tab may do besides drawing itself.
const desk = {
  say: (text, tone = "good") => {
    note.textContent = text;
    note.dataset.tone = tone;
  },
  // Runs something that may be refused, and says how it ended.
  attempt: async (work, done = t("saved")) => {
    try {
      const result = await work();
      if (done) desk.say(done);
      return result ?? true;
    } catch (error) {
      desk.say(error.message, "bad");
      return null;
    }
  },
};

export function openConsole(name = "apps", subject = null) {
  if (!dialog.open) dialog.showModal();
  document.getElementById(`tab-${name}`).focus();
  show(name, subject);
}

async function show(name, subject = null) {
  const mine = ++turn;
  for (const tab of tabs) {
    const chosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  panel.setAttribute("aria-labelledby", `tab-${name}`);
  history.replaceState(null, "", `#${name}`);
  desk.say("");
  const drawn = document.createElement("div");
  await desk.attempt(() => PAINTERS[name](drawn, desk, subject), "");
  if (mine === turn) panel.replaceChildren(drawn);
}

for (const tab of tabs) tab.addEventListener("click", () => show(tab.dataset.tab));
dialog.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const now = tabs.indexOf(document.activeElement);
  if (!step || now < 0) return;
  event.preventDefault();
  const next = tabs[(now + step + tabs.length) % tabs.length];
  next.focus();
  show(next.dataset.tab);
});
document.getElementById("console-open").addEventListener("click", () => openConsole());
document.getElementById("console-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("close", () => {
  turn += 1;
  panel.replaceChildren();
  history.replaceState(null, "", location.pathname + location.search);
});

function follow() {
  const name = location.hash.slice(1);
  if (name in PAINTERS) openConsole(name);
}

window.addEventListener("hashchange", follow);
follow();

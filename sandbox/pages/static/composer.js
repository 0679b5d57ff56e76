// Where a person writes: text with mentions, answers, edits, pictures and files, and the bot's menu.

import { summary, withNames } from "./chat.js";
import { h, post } from "./dom.js";
import { toast } from "./feedback.js";
import { nameOf, t } from "./words.js";

const MAX_ATTACHMENT = 30 * 1024 * 1024;
const composer = document.getElementById("composer");
const textarea = composer.elements.text;
const top = document.getElementById("composer-top");
const picker = document.getElementById("mentions");
const attachment = document.getElementById("attachment");
let current = null;
let overview = null;
// What is being answered ({message, name, inThread}) or edited ({message}).
let subject = null;
let candidates = [];
let marked = 0;

// Everything that is written from now on goes to this conversation.
export function composeIn(conversation, known) {
  if (conversation?.key !== current?.key || known.me !== overview?.me) leave();
  current = conversation;
  overview = known;
  for (const control of composer.elements) control.disabled = conversation === null;
  drawTop();
  closePicker();
}

export function answer(message, { name, inThread }) {
  subject = { message, name, inThread };
  drawTop();
  textarea.focus();
}

export function rewrite(message) {
  subject = { message };
  textarea.value = withNames(JSON.parse(message.content).text, message.mentions);
  grow();
  drawTop();
  textarea.focus();
}

// Writes a command for a person who does not know any, and sends it.
export function suggest(text) {
  textarea.value = text;
  say();
}

function drawTop() {
  top.replaceChildren();
  const menu = current?.app?.menu ?? [];
  if (menu.length > 0) {
    top.append(h("div", { class: "bot-menu", role: "group", "aria-label": t("menu_label") }, ...menu.map((entry) =>
      h("button", { class: "chip", type: "button", "data-testid": "menu-entry", onclick: () => clickMenu(entry) }, entry.name))));
  }
  if (!subject) return;
  const { message, name, inThread } = subject;
  const words = name === undefined ? t("editing") : t(inThread ? "replying_in_thread" : "replying", { name, text: summary(message) });
  top.append(h("div", { class: "subject", "data-testid": "subject" }, h("span", {}, words), h("button", { class: "quiet", type: "button", onclick: leave }, t("stop"))));
}

function leave() {
  if (subject && subject.name === undefined) textarea.value = "";
  subject = null;
  drawTop();
  grow();
}

async function clickMenu(entry) {
  await attempt(() => post("menu", { person: overview.me, app_id: current.key, event_key: entry.event_key }));
}

async function say() {
  const text = textarea.value.trim();
  if (!text || !current) return;
  const wanted = { text, ...mentionedIn(text) };
  const edits = subject && subject.name === undefined;
  const done = edits
    ? attempt(() => post("edit", { person: overview.me, message_id: subject.message.message_id, ...wanted }))
    : attempt(() => post("say", { person: overview.me, ...target(), ...answered(), ...wanted }));
  textarea.value = "";
  subject = null;
  drawTop();
  grow();
  await done;
}

function target() {
  return current.app ? { app_id: current.key } : { chat_id: current.chat_id };
}

function answered() {
  return subject ? { parent_id: subject.message.message_id, in_thread: subject.inThread } : {};
}

// The people and bots of the group whose names stand behind an @; none in a p2p chat. A name may begin with another one: the longer goes first.
function mentionedIn(text) {
  if (!current.group) return {};
  const everybody = { name: t("everyone"), en_name: t("everyone") };
  const chosen = new Set();
  let rest = text;
  for (const one of [...botsHere(), ...peopleHere(), everybody].sort((a, b) => nameOf(b).length - nameOf(a).length)) {
    const mention = `@${nameOf(one)}`;
    if (!rest.includes(mention)) continue;
    chosen.add(one);
    rest = rest.replaceAll(mention, " ");
  }
  return {
    mention: botsHere().filter((app) => chosen.has(app)).map((app) => app.app_id),
    mention_people: peopleHere().filter((person) => chosen.has(person)).map((person) => person.id),
    mention_all: chosen.has(everybody),
  };
}

function botsHere() {
  return overview.apps.filter((app) => current.group.apps.includes(app.app_id));
}

function peopleHere() {
  return overview.people.filter((person) => current.group.people.includes(person.id) && person.id !== overview.me);
}

function grow() {
  textarea.style.height = "auto";
  textarea.style.height = `${textarea.scrollHeight}px`;
}

// The @ before the caret and what follows it; null where there is none.
function asked() {
  if (!current?.group) return null;
  return /(?:^|\s)@([^\s@]*)$/.exec(textarea.value.slice(0, textarea.selectionStart));
}

function drawPicker() {
  const found = asked();
  const wanted = found?.[1].toLowerCase();
  const names = found ? [...botsHere(), ...peopleHere()].map(nameOf) : [];
  candidates = found ? [...names, t("everyone")].filter((name) => name.toLowerCase().includes(wanted)) : [];
  marked = Math.min(marked, Math.max(0, candidates.length - 1));
  picker.hidden = candidates.length === 0;
  picker.replaceChildren(...candidates.map((name, index) =>
    h("li", { role: "option", id: `mention-${index}`, "aria-selected": String(index === marked), "data-testid": "mention", onmousedown: (event) => choose(index, event) }, name)));
  if (picker.hidden) textarea.removeAttribute("aria-activedescendant");
  else textarea.setAttribute("aria-activedescendant", `mention-${marked}`);
}

function closePicker() {
  candidates = [];
  marked = 0;
  picker.hidden = true;
  textarea.removeAttribute("aria-activedescendant");
}

function choose(index, event = null) {
  event?.preventDefault();
  const end = textarea.selectionStart;
  const start = end - asked()[1].length;
  textarea.setRangeText(`${candidates[index]} `, start, end, "end");
  closePicker();
  grow();
}

// Whether a key was for the picker.
function pick(event) {
  if (picker.hidden) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    marked = (marked + step + candidates.length) % candidates.length;
    drawPicker();
  } else if (event.key === "Enter" || event.key === "Tab") choose(marked);
  else if (event.key === "Escape") closePicker();
  else return false;
  event.preventDefault();
  return true;
}

async function attach(file) {
  if (file.size > MAX_ATTACHMENT) {
    toast("error", t("too_large"));
    return;
  }
  const data = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  const kind = /^image\/(png|jpeg|gif|webp|bmp)$/.test(file.type) ? "image" : "file";
  const sent = { person: overview.me, ...target(), ...answered(), attachment: { kind, data, name: file.name } };
  leave();
  await post("say", sent);
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast("error", error.message);
  }
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});
textarea.addEventListener("input", () => {
  grow();
  drawPicker();
});
textarea.addEventListener("blur", closePicker);
textarea.addEventListener("keydown", (event) => {
  if (event.isComposing || pick(event)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    say();
  } else if (event.key === "Escape") leave();
});
textarea.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (!file) return;
  event.preventDefault();
  attempt(() => attach(file));
});
document.getElementById("attach").addEventListener("click", () => attachment.click());
attachment.addEventListener("change", () => {
  const [file] = attachment.files;
  attachment.value = "";
  if (file) attempt(() => attach(file));
});

// The client: who you are, whom you talk to, and what happens while you look.

import { drawMessages, messageOf, putMessage } from "./chat.js";
import { answer, composeIn, rewrite, suggest } from "./composer.js";
import { openConsole } from "./console.js";
import { avatar, get, h, post } from "./dom.js";
import { toast } from "./feedback.js";
import { addCall, knowBots, loadLog } from "./log.js";
import { english, nameOf, t } from "./words.js";

const unread = new Map();
let overview = { me: "", people: [], apps: [], groups: [] };
let openIds = new Map();
let current = null;
let entered = "";
// Messages that come while those of the chat are being loaded, and may not be among them; null at all other times.
let waiting = null;

const world = {
  get me() {
    return overview.me;
  },
  get greets() {
    return Boolean(current?.app);
  },
  answer: (message, inThread) => answer(message, { name: world.senderOf(message).name, inThread }),
  rewrite,
  suggest,
  messageOf,
  nameOf: (id) => openIds.get(id) ?? (id === "all" ? (english ? "everyone" : "所有人") : id),
  senderOf: (message) => {
    const among = message.sender_type === "app" ? overview.apps : overview.people;
    const found = among.find((one) => (one.app_id ?? one.id) === message.sender);
    return found ? { name: nameOf(found), colour: found.colour, picture: found.picture } : { name: message.sender, colour: "#7f8894" };
  },
};

function conversations() {
  return [
    ...overview.apps.map((app) => ({ key: app.app_id, app, chat_id: app.chat_id, name: nameOf(app), colour: app.colour })),
    ...overview.groups.map((group) => ({ key: group.chat_id, group, chat_id: group.chat_id, name: group.name, colour: "#4e5969" })),
  ];
}

async function load() {
  overview = await get("overview");
  knowBots(overview.apps, overview.portal_url);
  const known = conversations();
  current = known.find((one) => one.key === (current?.key ?? sessionStorage.getItem("conversation"))) ?? known[0] ?? null;
  drawPeople();
  drawConversations();
  await loadNames();
  await loadMessages();
  await enter();
}

// The bot hears that its chat was opened; to load the page or to become somebody else opens it as a click does.
async function enter(again = false) {
  const chat = current?.app ? `${overview.me} ${current.key}` : "";
  if (!chat || (chat === entered && !again)) return;
  entered = chat;
  await post("enter", { person: overview.me, app_id: current.key });
}

async function loadNames() {
  const answers = await Promise.all(overview.apps.map((app) => get(`people?app_id=${app.app_id}`)));
  openIds = new Map(answers.flatMap(({ people }) => people.map((person) => [person.open_id, nameOf(person)])));
  for (const app of overview.apps) openIds.set(app.bot_open_id, nameOf(app));
}

async function loadMessages() {
  composeIn(current, overview);
  drawHead();
  if (current === null) return;
  unread.delete(current.chat_id);
  const heard = [];
  waiting = heard;
  try {
    const { messages } = await get(`messages?chat_id=${current.chat_id}`);
    if (waiting !== heard) return;
    drawMessages(messages, world);
    for (const message of heard) putMessage(message, world);
  } finally {
    if (waiting === heard) waiting = null;
  }
}

function drawPeople() {
  document.getElementById("people").replaceChildren(
    ...overview.people.map((person) =>
      h(
        "button",
        { class: "person", type: "button", "data-testid": `person-${person.id}`, "aria-pressed": String(person.id === overview.me), "aria-label": nameOf(person), onclick: () => become(person.id) },
        avatar(nameOf(person), person.colour, "small", person.picture),
        h("span", { class: "person-name" }, nameOf(person)),
      ),
    ),
  );
}

function drawConversations() {
  const rows = conversations().map((one) =>
    h(
      "button",
      { class: "bot-row", type: "button", "data-testid": one.app ? `bot-${one.key}` : `group-${one.key}`, "aria-current": String(one.key === current?.key), onclick: () => open(one) },
      avatar(one.name, one.colour, "bot"),
      h("span", { class: "names" }, h("span", {}, one.name), state(one)),
      unread.get(one.chat_id) && h("span", { class: "unread" }, String(unread.get(one.chat_id))),
    ),
  );
  document.getElementById("bots").replaceChildren(...(rows.length ? rows : [noBots()]));
}

function noBots() {
  const create = h("button", { class: "primary", type: "button", "data-testid": "first-app", onclick: () => openConsole("apps") }, t("create_app"));
  return h("div", { class: "no-bots" }, h("p", {}, t("no_bots")), create);
}

function drawHead() {
  const head = document.getElementById("chat-head");
  head.replaceChildren();
  if (current) head.append(avatar(current.name, current.colour, "bot"), h("div", {}, h("b", {}, current.name), state(current)));
}

function state(one) {
  if (one.group) return h("small", {}, `${t("group")} · ${one.group.people.length + one.group.apps.length}`);
  const { app } = one;
  const online = app.mode === "webhook" || app.connections > 0;
  const text = app.mode === "webhook" ? t("webhook") : app.connections ? t("connections", { n: app.connections }) : t("offline");
  return h("small", { class: "online", "data-online": String(online) }, text);
}

async function become(person) {
  document.cookie = `sandbox_person=${encodeURIComponent(person)}; path=/; SameSite=Lax`;
  unread.clear();
  await load();
}

async function open(one) {
  current = one;
  sessionStorage.setItem("conversation", one.key);
  unread.delete(one.chat_id);
  drawConversations();
  await loadMessages();
  await enter(true);
  document.getElementById("composer").elements.text.focus();
}

const HEARD = {
  call: ({ call }) => addCall(call),
  message: ({ message }) => {
    if (message.chat_id === current?.chat_id) {
      waiting?.push(message);
      putMessage(message, world);
      return;
    }
    const theirs = conversations().some((one) => one.chat_id === message.chat_id);
    if (theirs && !message.updated) unread.set(message.chat_id, (unread.get(message.chat_id) ?? 0) + 1);
    drawConversations();
  },
  connection: ({ app_id: appId, count }) => {
    const app = overview.apps.find((one) => one.app_id === appId);
    if (!app) return;
    app.connections = count;
    drawConversations();
    drawHead();
  },
  reload: () => load(),
};

// Ends when everything is on the page for the first time.
function listen() {
  const events = new EventSource("/sandbox/events");
  let lost = false;
  events.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    HEARD[news.kind]?.(news);
    window.dispatchEvent(new CustomEvent("news", { detail: news }));
  };
  events.onerror = () => {
    if (!lost) toast("warning", t("lost"));
    lost = true;
  };
  // Loaded once the page hears the news, so that nothing falls between the two.
  return new Promise((resolve, reject) => {
    events.onopen = () => {
      lost = false;
      Promise.all([load(), loadLog()]).then(resolve, reject);
    };
  });
}

await listen();
document.body.dataset.ready = "true";

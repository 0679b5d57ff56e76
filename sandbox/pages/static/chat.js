// One conversation: its messages, drawn and drawn again when they change.

import { drawCard } from "./card.js";
import { avatar, h, post } from "./dom.js";
import { confirm, toast } from "./feedback.js";
import { inline, markdown } from "./markdown.js";
import { clock, failure, languageKey, localised, t } from "./words.js";

const list = document.getElementById("messages");
const EMOJI = { THUMBSUP: "👍", OK: "👌", SMILE: "🙂", HEART: "❤️", APPLAUSE: "👏", DONE: "✅" };
const messages = new Map();

export function drawMessages(all, world) {
  messages.clear();
  list.replaceChildren();
  if (all.length === 0) list.append(nothing(world));
  for (const message of all) {
    messages.set(message.message_id, message);
    list.append(drawMessage(message, world));
  }
  list.scrollTop = list.scrollHeight;
}

export function messageOf(messageId) {
  return messages.get(messageId);
}

// A message that is on the page changes in its place, a new one goes to the end.
export function putMessage(message, world) {
  messages.set(message.message_id, message);
  const drawn = drawMessage(message, world);
  const known = list.querySelector(`[data-message-id="${CSS.escape(message.message_id)}"]`);
  if (known) {
    known.replaceWith(drawn);
    return;
  }
  list.querySelector(".empty")?.remove();
  list.append(drawn);
  list.scrollTop = list.scrollHeight;
}

function nothing(world) {
  if (!world.greets) return h("p", { class: "empty" }, t("nothing_in_group"));
  const chip = h("button", { class: "chip", type: "button", "data-testid": "try-auth", onclick: () => world.suggest("/auth") }, "/auth");
  return h("div", { class: "empty" }, h("p", {}, t("nothing")), chip);
}

function drawMessage(message, world) {
  const shared = { "data-testid": "message", "data-message-id": message.message_id };
  if (message.recalled) return h("p", { ...shared, class: "recalled" }, t("recalled"));
  const sender = world.senderOf(message);
  const changed = message.updated ? ` · ${t(message.sender_type === "user" ? "edited_by_person" : "edited")}` : "";
  return h(
    "div",
    { ...shared, class: `message ${message.sender === world.me ? "mine" : ""}`, "data-sender": message.sender },
    avatar(sender.name, sender.colour, message.sender_type === "app" ? "bot" : "", sender.picture),
    h(
      "div",
      { class: "column" },
      h("span", { class: "from" }, `${sender.name} · ${clock(message.create_time)}${changed}${message.thread_id ? ` · ${t("thread")}` : ""}`),
      message.parent_id && h("blockquote", { class: "quoted" }, quoted(message.parent_id, world)),
      drawContent(message, world),
      ...message.previews.map((preview) => drawPreview(preview, message, world)),
      drawReactions(message, world),
      drawActions(message, world),
    ),
  );
}

function quoted(messageId, world) {
  const parent = messages.get(messageId);
  if (!parent) return t("forgotten");
  return `${world.senderOf(parent).name}: ${parent.recalled ? t("recalled") : summary(parent)}`;
}

// One line that stands for a message.
export function summary(message) {
  if (message.msg_type === "merge_forward") return t("merged", { n: message.forwarded.length });
  const content = JSON.parse(message.content);
  const text = message.msg_type === "text" ? withNames(content.text, message.mentions) : message.msg_type === "post" ? postText(content) : `[${message.msg_type}]`;
  return text.replace(/\s+/g, " ").slice(0, 80);
}

// What the person sees where the event has keys.
export function withNames(text, mentions) {
  return mentions.reduce((result, mention) => result.replaceAll(mention.key, `@${mention.name}`), text).replaceAll("@_all", `@${t("everyone")}`);
}

function drawReactions(message, world) {
  const counts = new Map();
  for (const { emoji_type: type, operator } of message.reactions) {
    const one = counts.get(type) ?? { count: 0, mine: false };
    counts.set(type, { count: one.count + 1, mine: one.mine || operator === world.me });
  }
  return counts.size > 0 && h("div", { class: "reactions" }, ...[...counts].map(([type, { count, mine }]) =>
    h("button", { class: "reaction", type: "button", title: type, "aria-pressed": String(mine), "aria-label": `${type} ${count}`, "data-testid": "reaction", onclick: () => react(message, type, !mine, world) },
      `${EMOJI[type] ?? type} ${count}`)));
}

function drawActions(message, world) {
  const own = message.sender === world.me;
  const act = (name, run) => h("button", { class: "act", type: "button", "data-testid": `act-${name}`, onclick: run }, t(name));
  const opener = act("react", () => {
    emoji.hidden = !emoji.hidden;
    opener.setAttribute("aria-expanded", String(!emoji.hidden));
  });
  opener.setAttribute("aria-expanded", "false");
  const emoji = h("span", { class: "emoji", hidden: true }, ...Object.entries(EMOJI).map(([type, sign]) =>
    h("button", { type: "button", title: type, "aria-label": type, "data-testid": `emoji-${type}`, onclick: () => react(message, type, true, world) }, sign)));
  return h(
    "div",
    { class: "acts" },
    act("reply", () => world.answer(message, false)),
    act("reply_in_thread", () => world.answer(message, true)),
    opener,
    emoji,
    own && message.msg_type === "text" && act("edit", () => world.rewrite(message)),
    own && act("recall", () => attempt(() => post("recall", { person: world.me, message_id: message.message_id }))),
  );
}

function react(message, type, added, world) {
  return attempt(() => post("react", { person: world.me, message_id: message.message_id, emoji_type: type, added }));
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast("error", error.message);
  }
}

function drawContent(message, world) {
  if (message.msg_type === "merge_forward") return h("div", { class: "bubble" }, t("merged", { n: message.forwarded.length }));
  const content = JSON.parse(message.content);
  if (message.msg_type === "interactive") return drawCard(content, cardContext(message, world));
  if (message.msg_type === "post") return h("div", { class: "bubble" }, markdown(postText(content), world.nameOf), ...picturesOf(content));
  if (content.image_key) return picture(content.image_key);
  const bubble = h("div", { class: "bubble" });
  if (message.msg_type === "text") bubble.innerHTML = inline(named(content.text, message.mentions), world.nameOf);
  else if (content.file_key) bubble.append(fileLink(content));
  else bubble.textContent = `[${message.msg_type}] ${message.content}`;
  return bubble;
}

function picture(key) {
  return h("img", { class: "picture", src: resource(key), alt: t("image"), "data-testid": "picture" });
}

function resource(key) {
  return `/sandbox/resource/${encodeURIComponent(key)}`;
}

function fileLink(content) {
  const name = content.file_name ?? t("file");
  return h("a", { href: resource(content.file_key), download: name, "data-testid": "file", "aria-label": t("download", { name }) }, `[${t("file")}] ${name}`);
}

// What an app has made of a link in the message: its title, and its card below.
function drawPreview(preview, message, world) {
  const title = preview.i18n_title[languageKey] ?? (preview.title || Object.values(preview.i18n_title)[0]);
  const icon = preview.image_key && h("img", { src: resource(preview.image_key), alt: "" });
  if (icon) icon.addEventListener("error", () => icon.remove());
  return h(
    "div",
    { class: "preview", "data-testid": "preview" },
    title && h("a", { class: "preview-title", href: preview.href || preview.url, title: preview.url, target: "_blank", rel: "noopener" }, icon, h("span", {}, title)),
    preview.card && drawCard(preview.card, cardContext(message, world, preview.token)),
  );
}

function cardContext(message, world, previewToken = "") {
  return {
    nameOf: world.nameOf,
    pictureOf: resource,
    confirm,
    click: async (action) => {
      try {
        const result = await post("click", { person: world.me, message_id: message.message_id, preview_token: previewToken, action });
        if (result.code !== 0) toast("error", failure(result.code));
        else if (result.toast) toast(result.toast.type ?? "info", localised(result.toast));
      } catch (error) {
        toast("error", error.message);
      }
    },
  };
}

function named(text, mentions) {
  const at = (key, name) => `<at id="${key.slice(1)}">${name.replace(/[<>]/g, "")}</at>`;
  return mentions.reduce((result, { key, name }) => result.replaceAll(key, at(key, name)), text).replaceAll("@_all", at("@all", t("everyone")));
}

// A post as one wrote it, or the part in the language of whoever reads it, else in any.
function contentOf(content) {
  const parts = content.post ?? content;
  return [languageKey, "zh_cn", "en_us", "ja_jp", "zh_hk", "zh_tw"].map((key) => parts[key]).find(Boolean) ?? parts;
}

function picturesOf(content) {
  return (contentOf(content).content ?? []).flat().filter((part) => part.tag === "img" && part.image_key).map((part) => picture(part.image_key));
}

function postText(content) {
  const post = contentOf(content);
  const rows = (post.content ?? []).map((row) =>
    row.map((part) => (part.tag === "a" ? `[${part.text}](${part.href})` : part.tag === "at" ? `<at id="${part.user_id}"></at>` : part.text ?? "")).join(""));
  return [post.title ? `**${post.title}**` : "", ...rows].filter(Boolean).join("\n");
}

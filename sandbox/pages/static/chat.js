// One conversation: its messages, drawn and drawn again when they change.

import { drawCard } from "./card.js";
import { avatar, h, post } from "./dom.js";
import { confirm, toast } from "./feedback.js";
import { inline, markdown } from "./markdown.js";
import { clock, english, failure, localised, t } from "./words.js";

const list = document.getElementById("messages");

export function drawMessages(messages, world) {
  list.replaceChildren();
  if (messages.length === 0) list.append(h("p", { class: "empty" }, t("nothing")));
  for (const message of messages) list.append(drawMessage(message, world));
  list.scrollTop = list.scrollHeight;
}

// A message that is on the page changes in its place, a new one goes to the end.
export function putMessage(message, world) {
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

function drawMessage(message, world) {
  const shared = { "data-testid": "message", "data-message-id": message.message_id };
  if (message.recalled) return h("p", { ...shared, class: "recalled" }, t("recalled"));
  const sender = world.senderOf(message);
  return h(
    "div",
    { ...shared, class: `message ${message.sender === world.me ? "mine" : ""}`, "data-sender": message.sender },
    avatar(sender.name, sender.colour, message.sender_type === "app" ? "bot" : ""),
    h(
      "div",
      { class: "column" },
      h("span", { class: "from" }, `${sender.name} · ${clock(message.create_time)}${message.updated ? ` · ${t("edited")}` : ""}`),
      drawContent(message, world),
    ),
  );
}

function drawContent(message, world) {
  const content = JSON.parse(message.content);
  if (message.msg_type === "interactive") return drawCard(content, cardContext(message, world));
  if (message.msg_type === "post") return h("div", { class: "bubble" }, markdown(postText(content), world.nameOf));
  const bubble = h("div", { class: "bubble" });
  if (message.msg_type !== "text") bubble.textContent = `[${message.msg_type}] ${message.content}`;
  else bubble.innerHTML = inline(named(content.text, message.mentions), world.nameOf);
  return bubble;
}

function cardContext(message, world) {
  return {
    nameOf: world.nameOf,
    confirm,
    click: async (action) => {
      try {
        const result = await post("click", { person: world.me, message_id: message.message_id, action });
        if (result.code !== 0) toast("error", failure(result.code));
        else if (result.toast) toast(result.toast.type ?? "info", localised(result.toast));
      } catch (error) {
        toast("error", error.message);
      }
    },
  };
}

function named(text, mentions) {
  return mentions.reduce((result, mention) => result.replaceAll(mention.key, `<at id="${mention.id.open_id ?? mention.id}">${mention.name}</at>`), text);
}

function postText(content) {
  const post = content.zh_cn || content.en_us ? (english ? content.en_us ?? content.zh_cn : content.zh_cn ?? content.en_us) : content;
  const rows = (post.content ?? []).map((row) =>
    row.map((part) => (part.tag === "a" ? `[${part.text}](${part.href})` : part.tag === "at" ? `<at id="${part.user_id}"></at>` : part.text ?? "")).join(""));
  return [post.title ? `**${post.title}**` : "", ...rows].filter(Boolean).join("\n");
}

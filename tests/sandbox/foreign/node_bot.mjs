// A bot on the official Node SDK, unmodified. Arguments: platform URL, app id, app secret.
// Answers every message, edits its answer, and answers every click with a toast and a new card.
import * as lark from "@larksuiteoapi/node-sdk";

const [domain, appId, appSecret] = process.argv.slice(2);
const client = new lark.Client({ appId, appSecret, domain });

async function received({ message }) {
  const { text } = JSON.parse(message.content);
  const path = { message_id: message.message_id };
  const reply = (said) => client.im.message.reply({ path, data: { msg_type: "text", content: JSON.stringify({ text: said }) } });
  const first = await reply(`re: ${text}`);
  await client.im.message.update({
    path: { message_id: first.data.message_id },
    data: { msg_type: "text", content: JSON.stringify({ text: `edited: ${text}` }) },
  });
  await client.im.messageReaction.create({ path, data: { reaction_type: { emoji_type: "OK" } } });
}

function clicked({ action }) {
  const body = { elements: [{ tag: "markdown", content: `chosen: ${action.value.op}` }] };
  const card = { schema: "2.0", config: { update_multi: true }, body };
  return { toast: { type: "success", content: "Saved" }, card: { type: "raw", data: card } };
}

const eventDispatcher = new lark.EventDispatcher({}).register({ "im.message.receive_v1": received, "card.action.trigger": clicked });
new lark.WSClient({ appId, appSecret, domain, loggerLevel: lark.LoggerLevel.warn }).start({ eventDispatcher });

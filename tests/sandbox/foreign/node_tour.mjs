// Calls APIs through the typed client of the official Node SDK and writes what it understood, as JSON.
// Arguments: platform URL, app id, app secret, a person's open_id, an authorization code.
import * as lark from "@larksuiteoapi/node-sdk";

const [domain, appId, appSecret, openId, code] = process.argv.slice(2);
const client = new lark.Client({ appId, appSecret, domain, loggerLevel: lark.LoggerLevel.fatal });
const picture = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

async function send(msg_type, content) {
  return client.im.message.create({
    params: { receive_id_type: "open_id" },
    data: { receive_id: openId, msg_type, content: JSON.stringify(content) },
  });
}

await client.userAccessToken.initWithCode({ me: code });
const mine = await client.userAccessToken.get("me", {});
const { image_key } = await client.im.image.create({ data: { image_type: "message", image: picture } });
const image = await send("image", { image_key });
const chats = await client.im.chat.list({ params: { page_size: 20 } });
const group = await client.im.chat.create({ data: { name: "Group", user_id_list: [openId] } });
const members = await client.im.chatMembers.get({ path: { chat_id: group.data.chat_id } });
const card = { schema: "2.0", config: { streaming_mode: true, update_multi: true }, body: { elements: [{ tag: "markdown", element_id: "md", content: "" }] } };
const entity = await client.cardkit.v1.card.create({ data: { type: "card_json", data: JSON.stringify(card) } });
const { card_id } = entity.data;
const shown = await send("interactive", { type: "card", data: { card_id } });
const streamed = await client.cardkit.v1.cardElement.content({ path: { card_id, element_id: "md" }, data: { content: "word by word", sequence: 1 } });
const found = await client.contact.user.batchGetId({ data: { emails: ["lilei@example.test"] }, params: { user_id_type: "open_id" } });
const person = await client.contact.user.get({ path: { user_id: openId } });

process.stdout.write(
  JSON.stringify({
    mine: typeof mine === "string" && mine.length > 0,
    codes: [image, chats, group, members, entity, shown, streamed, found, person].map((answer) => answer.code),
    image_key,
    members: members.data.items.map((member) => member.member_id),
    found: found.data.user_list.map((user) => user.user_id),
    person: person.data.user.name,
  }),
);

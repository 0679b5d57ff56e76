// Lists chats through the typed client of the official Node SDK and writes the answer, as JSON.
// Arguments: domain, which may have a path, App ID, App Secret.
import * as lark from "@larksuiteoapi/node-sdk";

const [domain, appId, appSecret] = process.argv.slice(2);
const client = new lark.Client({ appId, appSecret, domain, loggerLevel: lark.LoggerLevel.fatal });
const { data } = await client.im.chat.list({ params: { page_size: 20 } });
process.stdout.write(JSON.stringify(data));

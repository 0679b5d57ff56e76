// Every word that the script writes, in both languages.

export const english = document.documentElement.lang === "en";
export const languageKey = english ? "en_us" : "zh_cn";

const WORDS = {
  connections: ["长连接 {n} 条", "connections: {n}"],
  offline: ["未连接", "not connected"],
  webhook: ["Webhook 模式", "webhook"],
  group: ["群聊", "group"],
  nothing: ["还没有消息，打个招呼吧", "No messages yet. Say hello"],
  no_bots: ["还没有机器人，可在“应用”页创建", "There are no bots yet: create an app under “Apps”"],
  recalled: ["消息已撤回", "This message was recalled"],
  click_failed: ["操作失败，错误码 {code}", "Something went wrong, code {code}"],
  request: ["请求", "Request"],
  response: ["响应", "Response"],
  payload: ["推送内容", "Payload"],
  outcome: ["结果", "Outcome"],
  log_id: ["日志 ID", "Log ID"],
  event_id: ["事件 ID", "Event ID"],
  confirm: ["确定", "OK"],
  cancel: ["取消", "Cancel"],
  select: ["请选择", "Choose"],
  edited: ["已更新", "updated"],
  image: ["图片", "picture"],
  unsupported: ["沙箱不展示的组件：{tag}", "Not drawn in the sandbox: {tag}"],
  lost: ["与沙箱的连接已断开，正在重连…", "The sandbox is gone, trying again…"],
};

const CODES = {
  200340: ["应用未在线，或未配置回调", "The app is not online, or has no callback address"],
  200341: ["应用 3 秒内没有响应", "The app did not answer within 3 seconds"],
  200342: ["无法连接回调地址", "The callback address cannot be reached"],
  200671: ["应用处理失败", "The app failed to handle the click"],
  200672: ["应用返回的格式有误", "The app answered in a wrong format"],
  200673: ["应用返回的卡片有误", "The app answered with a broken card"],
  200830: ["卡片版本不一致", "A card cannot go back to an older version"],
  108002: ["应用返回了空的响应", "The app answered nothing at all"],
};

export function t(word, values = {}) {
  const text = WORDS[word][english ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function failure(code) {
  const cause = CODES[code]?.[english ? 1 : 0];
  const text = t("click_failed", { code });
  return cause ? `${text} · ${cause}` : text;
}

export function localised(text) {
  if (!text) return "";
  return text.i18n_content?.[languageKey] ?? text.i18n?.[languageKey] ?? text.content ?? "";
}

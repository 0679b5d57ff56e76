// Pushing an event by template, and what became of the newest pushes.

import { get, h, post } from "./dom.js";
import { field, form, input, section, select } from "./form.js";
import { clock, inLanguage, nameOf, t } from "./words.js";

const SHOWN = 50;

export async function drawPush(root, desk) {
  const [{ apps }, { people }] = await Promise.all([get("apps"), get("people")]);
  if (apps.length === 0) {
    root.replaceChildren(h("p", { class: "desk-hint" }, t("no_apps")));
    return;
  }
  const app = select("push_app", apps.map((one) => [one.app_id, `${nameOf(one)} · ${one.app_id}`]), apps[0].app_id);
  const person = select("push_person", people.map((one) => [one.id, nameOf(one)]), people[0].id);
  const type = h("select", { name: "template", "data-testid": "field-template" });
  const payload = h("textarea", { name: "payload", rows: 12, spellcheck: "false", class: "code-area", "data-testid": "field-payload" });
  const hint = h("p", { class: "desk-hint", role: "status" });
  const pushes = h("ul", { class: "pushes", "data-testid": "pushes" });
  let templates = [];

  const fill = () => {
    const chosen = templates.find((one) => one.type === type.value);
    if (!chosen) return;
    payload.value = JSON.stringify(chosen.event, null, 2);
    hint.textContent = chosen.subscribed ? "" : t("not_subscribed");
  };
  const load = async () => {
    const before = type.value;
    ({ templates } = await get(`templates?app_id=${app.value}&person=${encodeURIComponent(person.value)}`));
    type.replaceChildren(...templates.map((one) => h("option", { value: one.type, selected: one.type === before }, `${inLanguage(one.title)} · ${one.type}`)));
    fill();
  };
  const list = async () => {
    const { events } = await get(`books?app_id=${app.value}&limit=${SHOWN}`);
    pushes.replaceChildren(...(events.length ? events.reverse().map(drawPushed) : [h("li", { class: "desk-hint" }, t("no_pushes"))]));
  };
  app.addEventListener("change", () => desk.attempt(() => Promise.all([load(), list()]), ""));
  person.addEventListener("change", () => desk.attempt(load, ""));
  type.addEventListener("change", fill);
  await Promise.all([load(), list()]);

  const send = async (asked) => {
    const chosen = templates.find((one) => one.type === type.value);
    let event;
    try {
      event = JSON.parse(payload.value);
    } catch (error) {
      desk.say(t("bad_json", { why: error.message }), "bad");
      return;
    }
    const wanted = { app_id: app.value, type: chosen.type, schema: chosen.schema, event, count: Number(asked.elements.count.value) };
    const pushed = await desk.attempt(() => post("push", wanted), "");
    if (!pushed) return;
    desk.say(t("pushed", { n: pushed.pushed }));
    await list();
  };
  root.replaceChildren(
    form(
      "push-form", send, t("push_now"),
      field(t("app"), app),
      field(t("person"), person),
      field(t("event"), type),
      hint,
      field(t("event_content"), payload, t("event_content_hint")),
      field(t("count"), input("count", 1, { type: "number", min: 1, max: 1000, required: true })),
    ),
    section(t("recent_pushes"), pushes),
  );
  const refresh = (news) => {
    if (!root.isConnected) window.removeEventListener("news", refresh);
    else if (news.detail.kind === "call" && news.detail.call.kind === "push" && news.detail.call.app_id === app.value) list();
  };
  // The tab is not on the page yet: only from the next news on can one tell that it has left.
  setTimeout(() => window.addEventListener("news", refresh));
}

function drawPushed(push) {
  const good = push.state === "acked" ? "true" : push.state === "failed" ? "false" : "pending";
  const attempts = push.attempts.map((attempt) =>
    h("li", {}, `${clock(attempt.at * 1000)} · ${t(`outcome_${attempt.outcome}`)}${attempt.code === null ? "" : ` · ${attempt.code}`}${attempt.latency_ms === null ? "" : ` · ${attempt.latency_ms.toFixed(1)} ms`}`));
  return h(
    "li",
    { "data-testid": "pushed", "data-state": push.state },
    h("div", { class: "pushed-head" }, h("code", {}, push.event_type), h("span", { class: "code", "data-good": good }, t(`state_${push.state}`))),
    h("small", {}, push.event_id),
    attempts.length > 0 && h("ol", {}, ...attempts),
    push.next_at && h("small", {}, t("next_attempt", { at: clock(push.next_at * 1000) })),
  );
}

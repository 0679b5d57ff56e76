// Apps: their credentials, scopes, redirect URLs, events, callbacks, availability, tokens and menu.

import { get, h, put, remove } from "./dom.js";
import { confirm } from "./feedback.js";
import { button, check, choices, chosenIn, copyable, field, form, hex, input, lines, linesIn, section, select } from "./form.js";
import { inLanguage, nameOf, t } from "./words.js";

export async function drawApps(root, desk, chosen = null) {
  const { apps } = await get("apps");
  const wanted = apps.some((app) => app.app_id === chosen) ? chosen : apps[0]?.app_id;
  const body = h("div", {});
  if (chosen === "new" || !wanted) {
    body.append(drawNew(root, desk, apps));
  } else {
    const [{ app, scopes }, { people }, { templates }] = await Promise.all([
      get(`apps/${wanted}`),
      get("people"),
      get(`templates?app_id=${wanted}`),
    ]);
    body.append(drawApp(root, desk, app, scopes, people, templates));
  }
  const picker = select("app", apps.map((app) => [app.app_id, `${nameOf(app)} · ${app.app_id}`]), wanted, { "aria-label": t("app") });
  picker.addEventListener("change", () => again(root, desk, picker.value));
  const head = apps.length > 0 && h("div", { class: "desk-head" }, picker, chosen !== "new" && button(t("new_app"), () => again(root, desk, "new"), { "data-testid": "app-new" }));
  root.replaceChildren(...[head, body].filter(Boolean));
}

function again(root, desk, chosen) {
  return desk.attempt(() => drawApps(root, desk, chosen), "");
}

function drawNew(root, desk, apps) {
  const create = async (made) => {
    const appId = made.elements.app_id.value.trim() || `cli_${hex(8)}`;
    const secret = made.elements.app_secret.value.trim();
    const name = made.elements.name.value.trim();
    const fields = { name, en_name: name, redirect_urls: linesIn(made, "redirect_urls"), ...(secret && { app_secret: secret }) };
    if (apps.some((app) => app.app_id === appId)) {
      desk.say(t("app_exists"), "bad");
      return;
    }
    if ((await desk.attempt(() => put(`apps/${appId}`, fields), "")) && (await again(root, desk, appId))) desk.say(t("app_created"));
  };
  return form(
    "app-create", create, t("create_app"),
    apps.length === 0 && h("p", { class: "desk-hint" }, t("no_apps")),
    field(t("app_name"), input("name", "", { required: true, maxlength: 100 })),
    field(t("redirect_urls"), lines("redirect_urls", []), t("redirect_hint")),
    h("details", {}, h("summary", {}, t("own_credentials")),
      field("App ID", input("app_id", "", { placeholder: "cli_0123456789abcdef", pattern: "cli_[0-9a-f]{16}" })),
      field("App Secret", input("app_secret"))),
  );
}

function drawApp(root, desk, app, scopes, people, templates) {
  const server = location.origin;
  const save = (edited) => desk.attempt(() => put(`apps/${app.app_id}`, fieldsOf(edited, app)), t("saved"));
  const renew = button(t("renew"), async () => {
    const sure = await confirm({ title: t("renew_title"), text: t("renew_text") });
    if (sure && (await desk.attempt(() => put(`apps/${app.app_id}`, { app_secret: hex(16) }), ""))) await again(root, desk, app.app_id);
  }, { class: "mini" });
  const drop = button(t("delete_app"), async () => {
    const sure = await confirm({ title: t("delete_app_title", { name: nameOf(app) }), text: t("delete_app_text") });
    if (sure && (await desk.attempt(() => remove(`apps/${app.app_id}`), ""))) await again(root, desk, null);
  }, { class: "plain danger", "data-testid": "app-delete" });
  const eventRows = templates.filter((template) => !template.callback).map((template) => [template.type, inLanguage(template.title)]);
  return form(
    "app-edit", save, t("save"),
    section(
      t("credentials"),
      copyable("App ID", app.app_id),
      copyable("App Secret", app.app_secret, { hidden: true, more: renew }),
      copyable("Verification Token", app.verification_token, { hidden: true }),
      copyable(t("open_address"), server),
      copyable(t("authorize_address"), `${server}/open-apis/authen/v1/authorize`),
      copyable(t("token_address"), `${server}/open-apis/authen/v2/oauth/token`),
    ),
    section(
      t("basics"),
      field(t("app_name"), input("name", app.name, { required: true })),
      field(t("english_name"), input("en_name", app.en_name)),
      check("enabled", t("enabled"), app.enabled),
      check("bot_enabled", t("bot_enabled"), app.bot_enabled),
    ),
    section(t("scopes"), choices("scopes", scopes.map((scope) => [scope.name, inLanguage(scope.text)]), app.scopes)),
    section(t("security"), field(t("redirect_urls"), lines("redirect_urls", app.redirect_urls), t("redirect_hint"))),
    section(
      t("events"),
      field(t("event_mode"), select("mode", [["websocket", t("by_connection")], ["webhook", t("by_webhook")]], app.mode)),
      field(t("webhook_url"), input("webhook_url", app.webhook_url, { type: "url" }), t("webhook_hint")),
      field("Encrypt Key", input("encrypt_key", app.encrypt_key), t("encrypt_hint")),
      check("every_event", t("every_event"), app.events === null),
      h("details", { open: app.events !== null }, h("summary", {}, t("chosen_events")), choices("events", eventRows, app.events ?? [])),
    ),
    section(
      t("callbacks"),
      field(t("callback_mode"), select("callback_mode", [["", t("as_events")], ["websocket", t("by_connection")], ["webhook", t("by_webhook")]], app.callback_mode ?? "")),
      field(t("callback_url"), input("callback_url", app.callback_url, { type: "url" })),
      choices("callbacks", [["card.action.trigger", t("card_action")], ["url.preview.get", t("link_preview")]], app.callbacks),
    ),
    section(
      t("availability"),
      check("for_all", t("for_all"), app.available_to === null),
      h("details", { open: app.available_to !== null }, h("summary", {}, t("for_some")),
        h("div", { class: "ticks" }, ...people.map((person) => check("available_to", nameOf(person), app.available_to?.includes(person.id) ?? false, { value: person.id })))),
    ),
    section(
      t("tokens"),
      check("refresh_enabled", t("refresh_enabled"), app.refresh_enabled),
      field(t("access_lifetime"), input("access_token_lifetime", app.access_token_lifetime, { type: "number", min: 1 })),
      field(t("refresh_lifetime"), input("refresh_token_lifetime", app.refresh_token_lifetime, { type: "number", min: 1 })),
    ),
    section(t("menu"), field(t("menu_entries"), lines("menu", app.menu.map((entry) => `${entry.name} = ${entry.event_key}`)), t("menu_hint"))),
    h("div", { class: "desk-end" }, drop),
  );
}

function fieldsOf(edited, app) {
  const { elements } = edited;
  const menu = linesIn(edited, "menu").map((line) => {
    const [name, key] = line.split(/[=＝]/).map((part) => part.trim());
    return { name, event_key: key || name };
  });
  return {
    name: elements.name.value.trim(),
    en_name: elements.en_name.value.trim(),
    enabled: elements.enabled.checked,
    bot_enabled: elements.bot_enabled.checked,
    scopes: chosenIn(edited, "scopes"),
    redirect_urls: linesIn(edited, "redirect_urls"),
    mode: elements.mode.value,
    webhook_url: elements.webhook_url.value.trim(),
    encrypt_key: elements.encrypt_key.value.trim(),
    events: elements.every_event.checked ? null : chosenIn(edited, "events"),
    callback_mode: elements.callback_mode.value || null,
    callback_url: elements.callback_url.value.trim(),
    callbacks: chosenIn(edited, "callbacks"),
    available_to: elements.for_all.checked ? null : new FormData(edited).getAll("available_to"),
    refresh_enabled: elements.refresh_enabled.checked,
    access_token_lifetime: Number(elements.access_token_lifetime.value) || app.access_token_lifetime,
    refresh_token_lifetime: Number(elements.refresh_token_lifetime.value) || app.refresh_token_lifetime,
    menu,
  };
}

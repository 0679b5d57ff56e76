// Faults as switches, and what is done once: to connections, tokens, time and the whole sandbox.

import { get, h, post, put, remove } from "./dom.js";
import { confirm } from "./feedback.js";
import { button, check, field, form, input, section, select } from "./form.js";
import { inLanguage, nameOf, t } from "./words.js";

const ACTIONS = ["drop", "close", "silence", "forget", "garbage", "text", "ping", "empty"];
const KINDS = ["tenant", "access", "refresh"];
const REASONS = ["user", "administrator", "security and risk control", "restriction", "unknown"];

export async function drawFaults(root, desk, chosen = "") {
  const query = chosen ? `?app_id=${chosen}` : "";
  const [{ parts }, { apps }, { people }, settings] = await Promise.all([get(`switches${query}`), get("apps"), get("people"), put("settings", {})]);
  const again = (app = chosen) => desk.attempt(() => drawFaults(root, desk, app), "");
  const everyApp = [["", t("every_app")], ...apps.map((app) => [app.app_id, nameOf(app)])];
  const named = people.map((person) => [person.id, nameOf(person)]);
  const scope = select("fault_app", everyApp, chosen, { "aria-label": t("app") });
  scope.addEventListener("change", () => again(scope.value));
  const mend = button(t("mend"), async () => {
    if (await desk.attempt(() => remove("faults"), "")) await again();
    desk.say(t("mended"));
  }, { "data-testid": "faults-clear" });
  root.replaceChildren(h(
    "div",
    {},
    h("div", { class: "desk-head" }, scope, mend),
    section(t("faults"), ...parts.map((part) => drawSwitch(desk, part, chosen))),
    form(
      "disturb",
      async (asked) => {
        const { action, close_code: code, close_reason: reason, disturb_app: app } = asked.elements;
        const wanted = { action: action.value, close_code: Number(code.value), close_reason: reason.value, app_id: app.value || null };
        const done = await desk.attempt(() => post("disturb", wanted), "");
        if (done) desk.say(t("disturbed", { n: done.connections }));
      },
      t("do_now"),
      section(
        t("disturb"),
        field(t("app"), select("disturb_app", everyApp, chosen)),
        field(t("action"), select("action", ACTIONS.map((one) => [one, t(`disturb_${one}`)]), "drop")),
        field(t("close_code"), input("close_code", 1001, { type: "number", min: 1000, max: 4999, required: true }), t("close_hint")),
        field(t("close_reason"), input("close_reason", "", { maxlength: 123 })),
      ),
    ),
    form(
      "expire",
      async (asked) => {
        const data = new FormData(asked);
        const wanted = { app_id: data.get("expire_app") || null, person: data.get("expire_person") || null, kinds: data.getAll("kinds") };
        const done = await desk.attempt(() => post("expire", wanted), "");
        if (done) desk.say(t("expired", { n: done.expired }));
      },
      t("do_now"),
      section(
        t("expire"),
        h("p", { class: "desk-hint" }, t("expire_hint")),
        field(t("app"), select("expire_app", everyApp, chosen)),
        field(t("person"), select("expire_person", [["", t("everybody")], ...named], "")),
        h("div", { class: "ticks" }, ...KINDS.map((kind) => check("kinds", t(`token_${kind}`), true, { value: kind }))),
      ),
    ),
    apps.length > 0 && form(
      "revoke",
      async (asked) => {
        const data = new FormData(asked);
        const wanted = { app_id: data.get("revoke_app"), person: data.get("revoke_person"), reason: data.get("reason") };
        const done = await desk.attempt(() => post("revoke", wanted), "");
        if (done) desk.say(t("revoked", { n: done.revoked }));
      },
      t("do_now"),
      section(
        t("revoke"),
        h("p", { class: "desk-hint" }, t("revoke_hint")),
        field(t("app"), select("revoke_app", apps.map((app) => [app.app_id, nameOf(app)]), chosen || apps[0].app_id)),
        field(t("person"), select("revoke_person", named, named[0][0])),
        field(t("reason"), select("reason", REASONS.map((one) => [one, t(`reason_${one.split(" ")[0]}`)]), "user")),
      ),
    ),
    apps.length > 0 && form(
      "flood",
      async (asked) => {
        const data = new FormData(asked);
        desk.say(t("flooding"));
        const done = await desk.attempt(() => post("flood", { app_id: data.get("flood_app"), count: Number(data.get("flood_count")), type: "sandbox.synthetic_v1" }), "");
        if (done) desk.say(t("flooded", { n: done.answered, seconds: done.seconds.toFixed(1) }));
      },
      t("do_now"),
      section(
        t("flood"),
        h("p", { class: "desk-hint" }, t("flood_hint")),
        field(t("app"), select("flood_app", apps.map((app) => [app.app_id, nameOf(app)]), chosen || apps[0].app_id)),
        field(t("count"), input("flood_count", 1000, { type: "number", min: 1, max: 100000, required: true })),
      ),
    ),
    form(
      "settings",
      (asked) => desk.attempt(() => put("settings", { speed: Number(asked.elements.speed.value), ack_deadline: Number(asked.elements.ack_deadline.value), rate_limits: asked.elements.rate_limits.checked })),
      t("save"),
      section(
        t("time"),
        field(t("speed"), input("speed", settings.speed, { type: "number", min: 0.1, step: "any", required: true }), t("speed_hint")),
        field(t("ack_deadline"), input("ack_deadline", settings.ack_deadline, { type: "number", min: 0.1, step: "any", required: true })),
        check("rate_limits", t("rate_limits"), settings.rate_limits),
      ),
    ),
    section(
      t("start_over"),
      h("p", { class: "desk-hint" }, t("start_over_text")),
      button(t("start_over"), async () => {
        if (!(await confirm({ title: t("start_over_title"), text: t("start_over_text") }))) return;
        if (await desk.attempt(() => post("reset"), "")) await again("");
        desk.say(t("started_over"));
      }, { class: "plain danger", "data-testid": "reset" }),
    ),
  ));
}

function drawSwitch(desk, part, chosen) {
  const options = [["works", t("works")], ...part.choices.map((text, index) => [String(index), inLanguage(text)])];
  if (part.state === "kept") options.push(["kept", t("set_by_api")]);
  const control = select(part.path, options, part.state, { "data-testid": `fault-${part.path}` });
  const drawn = field(inLanguage(part.text), control, inLanguage(part.hint));
  const mark = () => drawn.classList.toggle("broken", control.value !== "works");
  mark();
  control.addEventListener("change", async () => {
    mark();
    if (control.value === "kept") return;
    const choice = control.value === "works" ? null : Number(control.value);
    await desk.attempt(() => post("switches", { path: part.path, choice, app_id: chosen || null }));
  });
  return drawn;
}

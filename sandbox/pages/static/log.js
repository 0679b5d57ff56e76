// The live log: every call to the platform and every push from it, newest first. What repeats is one line.

import { get, h } from "./dom.js";
import { toast } from "./feedback.js";
import { clock, nameOf, t } from "./words.js";

const KEPT = 200;
const EARLIER = 20;
// Calls that carry no token of their own.
const TOKENLESS = /^\/(oauth|callback)\/|\/open-apis\/(auth\/v3|authen\/v\d\/(oauth|oidc|access_token|refresh))/;
const list = document.getElementById("calls");
const picker = document.getElementById("log-app");
// The line of each push, and of each call that fails in the same way, by what makes them the same.
const lines = new Map();
let portal = "";
// Calls that come while the list is being loaded; null at all other times.
let waiting = null;

export async function loadLog() {
  const query = picker.value ? `&app_id=${picker.value}` : "";
  const heard = [];
  waiting = heard;
  try {
    const { calls } = await get(`calls?limit=${KEPT}${query}`);
    if (waiting !== heard) return;
    waiting = null;
    clear();
    const newest = calls[0]?.number ?? 0;
    for (const call of [...calls.reverse(), ...heard.filter((one) => one.number > newest)]) addCall(call);
  } finally {
    if (waiting === heard) waiting = null;
  }
}

// The bots to choose from, and where the portal is, if there is one.
export function knowBots(apps, portalUrl) {
  const chosen = picker.value;
  const known = apps.some((app) => app.app_id === chosen);
  portal = portalUrl;
  picker.replaceChildren(picker.firstElementChild, ...apps.map((app) => h("option", { value: app.app_id, selected: app.app_id === chosen }, nameOf(app))));
  if (chosen && !known) loadLog();
}

export function addCall(call) {
  if (waiting) {
    waiting.push(call);
    return;
  }
  if (picker.value && call.app_id !== picker.value) return;
  const key = sameness(call);
  const before = key && lines.get(key);
  const earlier = before ? [before.call, ...before.earlier].slice(0, EARLIER) : [];
  const line = { call, earlier, count: (before?.count ?? 0) + 1, key };
  line.drawn = drawLine(line);
  before?.drawn.remove();
  list.prepend(line.drawn);
  if (key) lines.set(key, line);
  while (list.children.length > KEPT) forget(list.lastElementChild);
}

function forget(drawn) {
  drawn.remove();
  for (const [key, line] of lines) if (line.drawn === drawn) lines.delete(key);
}

function clear() {
  lines.clear();
  list.replaceChildren();
}

// The attempts of one push are one line, and so are failures that repeat; null for what stands alone.
function sameness(call) {
  if (call.kind === "push") return `push ${call.log_id}`;
  return isGood(call) ? null : `${call.app_id} ${call.method} ${call.path} ${resultOf(call)}`;
}

function isGood(call) {
  if (call.kind === "push") return call.response.outcome === "acked";
  return call.code === 0 || (call.code === null && call.status < 400);
}

function resultOf(call) {
  return call.kind === "push" ? t(`outcome_${call.response.outcome}`) : String(call.code ?? call.status);
}

document.getElementById("log-clear").addEventListener("click", clear);
picker.addEventListener("change", loadLog);

document.getElementById("log-toggle").addEventListener("click", (event) => {
  const open = document.getElementById("log").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

function drawLine(line) {
  const { call, count } = line;
  const push = call.kind === "push";
  const summary = h(
    "summary",
    {},
    h("span", { class: "verb" }, push ? `↓ ${call.method}` : `↑ ${call.method}`),
    h("span", { class: "path", title: call.path }, call.path.replace(/^\/open-apis/, "")),
    h("span", { class: "code", "data-good": String(isGood(call)) }, resultOf(call)),
    h("span", { class: "when" },
      h("span", {}, `${clock(call.at)} · ${call.ms.toFixed(call.ms < 10 ? 1 : 0)} ms${count > 1 ? ` · ${t("repeated", { n: count })}` : ""}`),
      h("span", {}, call.log_id)),
  );
  const details = h("details", { class: "call", "data-kind": call.kind, "data-testid": "call" }, summary);
  details.addEventListener("toggle", () => fill(details, line), { once: true });
  return h("li", {}, details);
}

function fill(details, { call, earlier }) {
  const push = call.kind === "push";
  details.append(
    h(
      "div",
      { class: "details" },
      h("div", { class: "call-actions" },
        !push && h("button", { class: "mini", type: "button", "data-testid": "as-curl", onclick: () => copyCurl(call) }, t("as_curl")),
        push && portal && h("a", { href: pageOf(call), target: "_blank", rel: "noopener", "data-testid": "in-portal" }, t("in_portal"))),
      h("h4", {}, t(push ? "event_id" : "log_id")), h("pre", { tabindex: "0" }, call.log_id),
      call.request !== null && h("h4", {}, t(push ? "payload" : "request")),
      call.request !== null && h("pre", { tabindex: "0" }, pretty(call.request)),
      call.response !== null && h("h4", {}, t(push ? "outcome" : "response")),
      call.response !== null && h("pre", { tabindex: "0" }, pretty(call.response)),
      earlier.length > 0 && h("h4", {}, t("earlier")),
      earlier.length > 0 && h("pre", { tabindex: "0" }, earlier.map((one) => `${clock(one.at)} · ${resultOf(one)} · ${one.ms.toFixed(1)} ms`).join("\n")),
    ),
  );
}

function pageOf(call) {
  return `${portal}/admin/events/event/?q=${encodeURIComponent(call.log_id)}`;
}

async function copyCurl(call) {
  await navigator.clipboard.writeText(curlOf(call));
  toast("success", t("curl_copied"));
}

function curlOf(call) {
  const parts = [`curl -X ${call.method} ${quoted(location.origin + call.path)}`];
  if (!TOKENLESS.test(call.path)) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (call.request !== null) {
    const form = call.content_type === "application/x-www-form-urlencoded";
    parts.push(`-H ${quoted(`Content-Type: ${form ? call.content_type : "application/json"}`)}`);
    const body = form ? new URLSearchParams(call.request).toString() : typeof call.request === "string" ? call.request : JSON.stringify(call.request);
    parts.push(`--data-raw ${quoted(body)}`);
  }
  return parts.join(" \\\n  ");
}

// For a POSIX shell.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

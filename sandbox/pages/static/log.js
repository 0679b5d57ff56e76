// The live log: every call to the platform and every push from it, newest first.

import { get, h } from "./dom.js";
import { clock, t } from "./words.js";

const KEPT = 200;
const list = document.getElementById("calls");

export async function loadLog() {
  const { calls } = await get(`calls?limit=${KEPT}`);
  list.replaceChildren(...calls.map(drawCall));
}

export function addCall(call) {
  list.prepend(drawCall(call));
  while (list.children.length > KEPT) list.lastElementChild.remove();
}

document.getElementById("log-clear").addEventListener("click", () => list.replaceChildren());

document.getElementById("log-toggle").addEventListener("click", (event) => {
  const open = document.getElementById("log").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

function drawCall(call) {
  const push = call.kind === "push";
  const result = push ? call.response.outcome : call.code ?? call.status;
  const good = push ? call.response.outcome === "acked" : call.code === 0 || (call.code === null && call.status < 400);
  const summary = h(
    "summary",
    {},
    h("span", { class: "verb" }, push ? `↓ ${call.method}` : `↑ ${call.method}`),
    h("span", { class: "path", title: call.path }, call.path.replace(/^\/open-apis/, "")),
    h("span", { class: "code", "data-good": String(good) }, String(result)),
    h("span", { class: "when" }, h("span", {}, `${clock(call.at)} · ${call.ms.toFixed(call.ms < 10 ? 1 : 0)} ms`), h("span", {}, call.log_id)),
  );
  const details = h("details", { class: "call", "data-kind": call.kind, "data-testid": "call" }, summary);
  details.addEventListener("toggle", () => fill(details, call), { once: true });
  return h("li", {}, details);
}

function fill(details, call) {
  const push = call.kind === "push";
  details.append(
    h(
      "div",
      { class: "details" },
      h("h4", {}, t(push ? "event_id" : "log_id")), h("pre", {}, call.log_id),
      call.request !== null && h("h4", {}, t(push ? "payload" : "request")),
      call.request !== null && h("pre", {}, pretty(call.request)),
      call.response !== null && h("h4", {}, t(push ? "outcome" : "response")),
      call.response !== null && h("pre", {}, pretty(call.response)),
    ),
  );
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

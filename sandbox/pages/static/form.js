// Fields of the developer console. Every control has its `name`, so that a form gives its values by name.

import { h } from "./dom.js";
import { t } from "./words.js";

export function field(label, control, hint = null) {
  return h("label", { class: "row-field" }, h("span", {}, label), control, hint && h("small", {}, hint));
}

export function input(name, value = "", attributes = {}) {
  return h("input", { name, value, autocomplete: "off", spellcheck: "false", "data-testid": `field-${name}`, ...attributes });
}

export function lines(name, values, attributes = {}) {
  const control = h("textarea", { name, rows: Math.min(8, Math.max(2, values.length + 1)), spellcheck: "false", "data-testid": `field-${name}`, ...attributes });
  control.value = values.join("\n");
  return control;
}

export function select(name, options, chosen, attributes = {}) {
  return h(
    "select",
    { name, "data-testid": `field-${name}`, ...attributes },
    ...options.map(([value, label]) => h("option", { value, selected: String(value) === String(chosen ?? "") }, label)),
  );
}

export function check(name, label, on, attributes = {}) {
  const box = h("input", { type: "checkbox", name, "data-testid": `field-${name}`, ...attributes });
  box.checked = on;
  return h("label", { class: "tick" }, box, h("span", {}, label));
}

// Boxes for known values, each with its words, and room for values that are not among them.
export function choices(name, known, chosen) {
  const names = new Set(known.map(([value]) => value));
  const boxes = known.map(([value, label]) => {
    const box = h("input", { type: "checkbox", name, value });
    box.checked = chosen.includes(value);
    return h("label", { class: "tick" }, box, h("span", {}, label === value ? "" : label, h("code", { class: label === value ? "alone" : "" }, value)));
  });
  const more = chosen.filter((value) => !names.has(value));
  return h("div", { class: "ticks" }, ...boxes, field(t("more"), lines(`${name}_more`, more)));
}

export function chosenIn(form, name) {
  const data = new FormData(form);
  return [...new Set([...data.getAll(name), ...linesIn(form, `${name}_more`)])];
}

export function linesIn(form, name) {
  return form.elements[name].value.split("\n").map((line) => line.trim()).filter(Boolean);
}

export function section(title, ...children) {
  return h("fieldset", { class: "section" }, h("legend", {}, title), ...children);
}

export function form(testid, submit, label, ...children) {
  const element = h("form", { class: "desk-form", "data-testid": testid }, ...children, h("div", { class: "desk-submit" }, h("button", { class: "primary", "data-testid": `${testid}-submit` }, label)));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(element);
  });
  return element;
}

export function button(label, act, attributes = {}) {
  return h("button", { type: "button", class: "plain", onclick: act, ...attributes }, label);
}

// A value to take along. `hidden` shows it only when asked.
export function copyable(label, value, { hidden = false, more = null } = {}) {
  const code = h("code", {}, hidden && value ? "••••••••" : value || "—");
  const copy = button(t("copy"), async () => {
    await navigator.clipboard.writeText(value);
    copy.textContent = t("copied");
    setTimeout(() => {
      copy.textContent = t("copy");
    }, 2000);
  }, { class: "mini", "aria-label": `${t("copy")} ${label}`, "data-testid": `copy-${label}` });
  const reveal = hidden && button(t("show"), () => {
    code.textContent = value;
    reveal.remove();
  }, { class: "mini", "aria-label": `${t("show")} ${label}` });
  return h("div", { class: "copyable" }, h("span", {}, label), code, h("span", { class: "buttons" }, reveal, value && copy, more));
}

export function hex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Draws cards, JSON 2.0 and 1.0, and tells `context.click(action)` what a person did.
// context: {click(action) -> Promise, confirm(dialog) -> Promise<bool>, nameOf(openId) -> string, pictureOf(key) -> address or null}

import { avatar, h } from "./dom.js";
import { markdown } from "./markdown.js";
import { languageKey, localised, t } from "./words.js";

export function drawCard(card, context) {
  const header = card.i18n_header?.[languageKey] ?? card.header;
  const body = card.body ?? {};
  const elements = body.elements ?? card.i18n_elements?.[languageKey] ?? card.elements ?? [];
  return h(
    "article",
    { class: "card", "data-testid": "card", "data-template": header?.template ?? "default" },
    header && drawHeader(header),
    elements.length > 0 &&
      h("div", { class: `card-body ${body.direction === "horizontal" ? "row" : ""}` }, ...drawAll(elements, context)),
  );
}

function drawHeader(header) {
  const tags = header.text_tag_list ?? [];
  return h(
    "header",
    { class: "card-head" },
    h("b", {}, localised(header.title)),
    header.subtitle && h("small", {}, localised(header.subtitle)),
    tags.length > 0 && h("div", { class: "card-tags" }, ...tags.map((tag) => h("span", { class: "tag" }, localised(tag.text)))),
  );
}

function drawAll(elements, context, form = null) {
  return elements.map((element) => draw(element, context, form)).filter(Boolean);
}

function draw(element, context, form) {
  const painter = PAINTERS[element.tag];
  return painter ? painter(element, context, form) : h("div", { class: "placeholder" }, t("unsupported", { tag: element.tag }));
}

const PAINTERS = {
  markdown: (element, context) => {
    const drawn = markdown(localised(element), context.nameOf);
    drawn.classList.add(`align-${element.text_align ?? "left"}`, `size-${element.text_size ?? "normal"}`);
    return drawn;
  },
  plain_text: drawText,
  lark_md: drawText,
  div: (element, context) => {
    const fields = element.fields ?? [];
    return h(
      "div",
      {},
      element.text && drawText(element.text, context),
      fields.length > 0 &&
        h("div", { class: "fields" }, ...fields.map((field) => h("div", { class: field.is_short ? "" : "wide" }, drawText(field.text, context)))),
      element.extra && draw(element.extra, context, null),
    );
  },
  hr: () => h("hr"),
  note: (element, context) => h("div", { class: "note" }, ...drawAll(element.elements ?? [], context)),
  action: (element, context) => h("div", { class: "actions" }, ...drawAll(element.actions ?? [], context)),
  button: drawButton,
  column_set: (element, context, form) =>
    h(
      "div",
      { class: `columns ${element.flex_mode ?? "none"} ${tinted(element)}` },
      ...(element.columns ?? []).map((column) => drawColumn(column, context, form)),
    ),
  column: drawColumn,
  form: drawForm,
  interactive_container: drawContainer,
  collapsible_panel: (element, context, form) =>
    h(
      "details",
      { class: "panel", open: element.expanded === true },
      h("summary", {}, localised(element.header?.title)),
      ...drawAll(element.elements ?? [], context, form),
    ),
  img: drawImage,
  img_combination: (element) => h("div", { class: "placeholder" }, `${t("image")} × ${element.img_list?.length ?? 0}`),
  person: (element, context) => drawPeople([{ id: element.user_id }], context),
  person_list: (element, context) => drawPeople(element.persons ?? [], context),
  table: drawTable,
  input: (element, context, form) =>
    field(element, context, form, h(element.input_type === "multiline_text" ? "textarea" : "input", {
      placeholder: localised(element.placeholder), maxlength: element.max_length, value: element.default_value,
      type: element.input_type === "password" ? "password" : null,
    }), (control) => ({ input_value: control.value })),
  select_static: (element, context, form) => drawSelect(element, context, form, false),
  multi_select_static: (element, context, form) => drawSelect(element, context, form, true),
  select_person: (element, context, form) => drawSelect(element, context, form, false),
  multi_select_person: (element, context, form) => drawSelect(element, context, form, true),
  overflow: (element, context, form) => drawSelect(element, context, form, false),
  date_picker: (element, context, form) =>
    field(element, context, form, h("input", { type: "date", value: element.initial_date }), (control) => ({
      option: `${control.value} ${offset()}`, timezone: timezone(),
    })),
  picker_time: (element, context, form) =>
    field(element, context, form, h("input", { type: "time", value: element.initial_time }), (control) => ({
      option: `${control.value} ${offset()}`, timezone: timezone(),
    })),
  picker_datetime: (element, context, form) =>
    field(element, context, form, h("input", { type: "datetime-local" }), (control) => ({
      option: `${control.value.replace("T", " ")} ${offset()}`, timezone: timezone(),
    })),
  checker: drawChecker,
};

function drawImage(element, context) {
  const words = localised(element.alt) || element.img_key || "";
  const missing = () => h("div", { class: "placeholder" }, `${t("image")} · ${words}`);
  const address = element.img_key && context.pictureOf(element.img_key);
  if (!address) return missing();
  const drawn = h("img", { class: "picture", src: address, alt: words });
  drawn.addEventListener("error", () => drawn.replaceWith(missing()));
  return drawn;
}

function drawText(text, context) {
  const classes = `tone-${text.text_color ?? "default"} align-${text.text_align ?? "left"} size-${text.text_size ?? "normal"}`;
  if (text.tag === "lark_md") {
    const drawn = markdown(localised(text), context.nameOf);
    drawn.classList.add(...classes.split(" "));
    return drawn;
  }
  return h("div", { class: classes }, localised(text));
}

function drawColumn(column, context, form) {
  const grow = column.width === "weighted" ? `flex:${column.weight ?? 1} 1 0` : column.width === "stretch" ? "flex:1 1 0" : "";
  return h("div", { class: `column-cell ${tinted(column)}`, style: grow }, ...drawAll(column.elements ?? [], context, form));
}

function tinted(element) {
  return element.background_style && element.background_style !== "default" ? "tinted" : "";
}

function drawButton(element, context, form) {
  const address = urlOf(element);
  const calls = callbackOf(element);
  const classes = ["card-button", element.type ?? "default", element.size ?? "medium"];
  if (element.width === "fill") classes.push("fill");
  const shared = {
    class: classes.join(" "),
    "data-testid": "card-button",
    "data-name": element.name,
    title: localised(element.disabled ? element.disabled_tips : element.hover_tips) || null,
  };
  const label = localised(element.text);
  if (address && !element.disabled) {
    const link = h("a", { ...shared, href: address, target: "_blank", rel: "noopener" }, label);
    guard(link, element, context, calls && (() => send(link, element, context, form)), true);
    return link;
  }
  const button = h("button", { ...shared, type: "button", disabled: element.disabled === true }, label);
  const submits = element.form_action_type === "submit" || element.action_type === "form_submit";
  const resets = element.form_action_type === "reset" || element.action_type === "form_reset";
  if (resets && form) button.addEventListener("click", () => form.reset());
  else if (calls || submits) guard(button, element, context, () => send(button, element, context, submits ? form : null), false);
  return button;
}

// Asks first when the component wants it; `follows`: the element leads somewhere by itself.
function guard(target, element, context, act, follows) {
  let agreed = false;
  target.addEventListener("click", async (event) => {
    if (!element.confirm || agreed) {
      agreed = false;
      if (act) act();
      return;
    }
    event.preventDefault();
    if (!(await context.confirm({ title: localised(element.confirm.title), text: localised(element.confirm.text) }))) return;
    if (follows) {
      agreed = true;
      target.click();
    } else act();
  });
}

async function send(target, element, context, form) {
  const action = { value: callbackOf(element)?.value ?? {}, tag: "button" };
  if (element.name) action.name = element.name;
  if (form) {
    if (!form.element.reportValidity()) return;
    action.form_value = form.values();
  }
  target.classList.add("busy");
  try {
    await context.click(action);
  } finally {
    target.classList.remove("busy");
  }
}

function urlOf(element) {
  const opening = element.behaviors?.find((behavior) => behavior.type === "open_url");
  const address = opening?.pc_url || opening?.default_url || element.multi_url?.pc_url || element.multi_url?.url || element.url;
  return address && /^(https?:|mailto:|lark:|feishu:)/i.test(address) ? address : null;
}

function callbackOf(element) {
  const calling = element.behaviors?.find((behavior) => behavior.type === "callback");
  if (calling) return { value: calling.value };
  return element.value === undefined ? null : { value: element.value };
}

function drawForm(element, context) {
  const form = {
    fields: new Map(),
    values: () => Object.fromEntries([...form.fields].map(([name, read]) => [name, read()])),
    reset: () => form.element.reset(),
  };
  form.element = h("form", { class: "card-form", onsubmit: (event) => event.preventDefault() });
  form.element.append(...drawAll(element.elements ?? [], context, form));
  return form.element;
}

// A control outside a form calls back when it changes, inside one it waits for the submit button.
function field(element, context, form, control, read) {
  control.disabled = element.disabled === true;
  control.required = element.required === true;
  if (form && element.name) {
    form.fields.set(element.name, () => {
      const answer = read(control);
      return answer.options ?? answer.option ?? answer.checked ?? answer.input_value ?? "";
    });
  } else if (element.behaviors || element.value !== undefined) {
    control.addEventListener("change", () => {
      context.click({ value: callbackOf(element)?.value ?? {}, tag: element.tag, ...(element.name && { name: element.name }), ...read(control) });
    });
  }
  const label = localised(element.label);
  return h("label", { class: "field" }, label && h("span", {}, label), control);
}

function drawSelect(element, context, form, many) {
  const options = (element.options ?? []).map((option) =>
    h("option", { value: option.value, selected: option.value === element.initial_option || element.selected_values?.includes(option.value) },
      localised(option.text) || context.nameOf(option.value)));
  const control = h("select", { multiple: many });
  if (!many) control.append(h("option", { value: "", disabled: true, selected: !element.initial_option }, localised(element.placeholder) || t("select")));
  control.append(...options);
  return field(element, context, form, control, () =>
    many ? { options: [...control.selectedOptions].map((option) => option.value) } : { option: control.value });
}

function drawChecker(element, context, form) {
  const box = h("input", { type: "checkbox" });
  box.checked = element.checked === true;
  box.disabled = element.disabled === true;
  if (form && element.name) form.fields.set(element.name, () => box.checked);
  else if (element.behaviors) {
    box.addEventListener("change", () =>
      context.click({ value: callbackOf(element)?.value ?? {}, tag: "checker", ...(element.name && { name: element.name }), checked: box.checked }));
  }
  return h("label", { class: "check" }, box, localised(element.text));
}

function drawContainer(element, context, form) {
  const box = h("div", { class: `clickable ${element.has_border ? "bordered" : ""}`, tabindex: "0", role: "button" },
    ...drawAll(element.elements ?? [], context, form));
  const calls = callbackOf(element);
  const address = urlOf(element);
  if (!element.disabled && (calls || address)) {
    guard(box, element, context, () => {
      if (address) window.open(address, "_blank", "noopener");
      if (calls) context.click({ value: calls.value, tag: "interactive_container", ...(element.name && { name: element.name }) });
    }, false);
  }
  return box;
}

function drawPeople(people, context) {
  return h("div", { class: "actions" }, ...people.map((person) => {
    const name = context.nameOf(person.id);
    return h("span", { class: "check" }, avatar(name, "#7f8894", "small"), name);
  }));
}

function drawTable(element) {
  const columns = element.columns ?? [];
  const cell = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value ?? ""));
  return h("table", {},
    h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", {}, column.display_name ?? column.name)))),
    h("tbody", {}, ...(element.rows ?? []).map((row) => h("tr", {}, ...columns.map((column) => h("td", {}, cell(row[column.name])))))));
}

function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}${two(minutes % 60)}`;
}

function timezone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

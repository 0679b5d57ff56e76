// People with their accounts, and groups with who is in them.

import { get, h, post } from "./dom.js";
import { check, field, form, input, section, select } from "./form.js";
import { nameOf, t } from "./words.js";

const STATES = ["active", "resigned", "frozen"];

export async function drawPeople(root, desk) {
  const [{ people }, { groups }, { apps }] = await Promise.all([get("people"), get("groups"), get("apps")]);
  const again = () => desk.attempt(() => drawPeople(root, desk), "");
  root.replaceChildren(
    section(t("people"), ...people.map((person) => drawPerson(desk, person))),
    form(
      "person-create",
      async (made) => {
        const { id, name, en_name: english, tenant_brand: brand } = made.elements;
        if (people.some((person) => person.id === id.value.trim())) {
          desk.say(t("person_exists"), "bad");
          return;
        }
        const person = { id: id.value.trim(), name: name.value.trim(), en_name: english.value.trim(), tenant_brand: brand.value };
        if ((await desk.attempt(() => post("people", person), "")) && (await again())) desk.say(t("person_added"));
      },
      t("add_person"),
      section(
        t("new_person"),
        field(t("person_name"), input("name", "", { required: true, maxlength: 60 })),
        field(t("english_name"), input("en_name", "", { maxlength: 60 })),
        field(t("person_id"), input("id", "", { required: true, pattern: "[A-Za-z0-9_.\\-]{1,64}" }), t("person_id_hint")),
        field(t("brand"), select("tenant_brand", [["feishu", t("feishu")], ["lark", "Lark"]], "feishu")),
      ),
    ),
    section(t("groups"), ...(groups.length ? groups.map((group) => drawGroup(desk, again, group, people, apps)) : [h("p", { class: "desk-hint" }, t("no_groups"))])),
    form(
      "group-create",
      async (made) => {
        const data = new FormData(made);
        const group = { name: data.get("group_name").trim(), people: data.getAll("group_people"), apps: data.getAll("group_apps") };
        if ((await desk.attempt(() => post("groups", group), "")) && (await again())) desk.say(t("group_created"));
      },
      t("create_group"),
      section(
        t("new_group"),
        field(t("group_name"), input("group_name", "", { required: true, maxlength: 60 })),
        members("group_people", "group_apps", people, apps, people.map((person) => person.id), apps.map((app) => app.app_id)),
      ),
    ),
  );
}

function drawPerson(desk, person) {
  const state = select(`status-${person.id}`, STATES.map((one) => [one, t(one)]), person.status, { "aria-label": `${t("account")} ${nameOf(person)}` });
  const { union_id: _, ...about } = person;
  state.addEventListener("change", () => desk.attempt(() => post("people", { ...about, status: state.value })));
  return h("div", { class: "line" }, h("span", {}, h("b", {}, nameOf(person)), h("code", {}, person.id)), state);
}

function drawGroup(desk, again, group, people, apps) {
  const boxes = members("people", "apps", people, apps, group.people, group.apps);
  boxes.addEventListener("change", async (event) => {
    const box = event.target;
    const wanted = { chat_id: group.chat_id, [box.name]: [box.value], joins: box.checked };
    if (!(await desk.attempt(() => post("members", wanted)))) await again();
  });
  return h("details", { class: "line-details" }, h("summary", {}, `${group.name || t("group")} · ${group.people.length + group.apps.length}`), h("code", {}, group.chat_id), boxes);
}

function members(peopleName, appsName, people, apps, inPeople, inApps) {
  return h(
    "div",
    { class: "ticks" },
    ...people.map((person) => check(peopleName, nameOf(person), inPeople.includes(person.id), { value: person.id })),
    ...apps.map((app) => check(appsName, `${nameOf(app)} · ${t("bot")}`, inApps.includes(app.app_id), { value: app.app_id })),
  );
}

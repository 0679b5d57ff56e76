// The picker of people: every chosen person is a line of the list below it, and every line is a chip.
import { avatar } from "./avatar.js";

const PAUSE = 200; // milliseconds after the last key

for (const picker of document.querySelectorAll("[data-people]")) {
  const list = document.getElementById(picker.dataset.people);
  const bot = document.getElementById(picker.dataset.bot);
  const chosen = picker.querySelector("[data-chosen]");
  const search = picker.querySelector("[role=combobox]");
  const found = picker.querySelector("[role=listbox]");
  const lookUp = picker.querySelector("[data-look-up]");
  const said = picker.querySelector("[data-said]");
  const names = JSON.parse(picker.querySelector("script").textContent);
  let offers = [];
  let active = -1;
  let timer;
  let asked = 0;

  const lines = () => list.value.split("\n").map((line) => line.trim()).filter(Boolean);

  const write = (ids) => {
    list.value = ids.join("\n");
    // The form asks before unsaved changes are left.
    list.dispatchEvent(new Event("change", { bubbles: true }));
    showChosen();
  };

  const element = (tag, className, text = "") => {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  };

  const showChosen = () => {
    chosen.replaceChildren(
      ...lines().map((id) => {
        const person = names[id] || { name: id, initials: "" };
        const chip = element("li", "portal-people-chip");
        chip.title = id;
        if (person.initials) {
          chip.append(avatar(person));
        }
        const remove = element("button", "portal-people-remove", "×");
        remove.type = "button";
        remove.ariaLabel = picker.dataset.remove.replace("%(name)s", person.name);
        remove.addEventListener("click", () => {
          write(lines().filter((line) => line !== id));
          search.focus();
        });
        chip.append(element("span", "", person.name), remove);
        return chip;
      }),
    );
  };

  const mark = (index) => {
    active = index;
    [...found.children].forEach((option, number) => option.setAttribute("aria-selected", number === index));
    const option = found.children[index];
    search.setAttribute("aria-activedescendant", option ? option.id : "");
    option?.scrollIntoView({ block: "nearest" });
  };

  const offer = (people) => {
    offers = people;
    found.replaceChildren(
      ...people.map((person, number) => {
        const option = element("li", "portal-people-option");
        option.id = `${found.id}_${number}`;
        option.setAttribute("role", "option");
        const who = element("span", "portal-person");
        if (person.initials) {
          who.append(avatar(person));
        }
        who.append(person.name);
        option.append(who, element("span", "portal-subtle", person.more));
        // Not click: the field would lose the focus before.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(person);
        });
        return option;
      }),
    );
    found.hidden = !people.length;
    search.setAttribute("aria-expanded", String(people.length > 0));
    mark(people.length ? 0 : -1);
  };

  const say = (text) => {
    said.textContent = text;
  };

  const choose = (person) => {
    names[person.open_id] = person;
    search.value = "";
    lookUp.hidden = true;
    offer([]);
    write([...new Set([...lines(), person.open_id])]);
    say(picker.dataset.added.replace("%(name)s", person.name));
  };

  const ask = async (options = {}) => {
    clearTimeout(timer);
    asked += 1;
    const number = asked;
    const typed = search.value.trim();
    const address = picker.dataset.address.replace("BOT", encodeURIComponent(bot.value));
    if (!typed || !bot.value) {
      offer([]);
      say(typed ? picker.dataset.botless : "");
      lookUp.hidden = true;
      return;
    }
    const query = new URLSearchParams({ q: typed });
    let answer = null;
    try {
      const response = await fetch(options.method ? address : `${address}?${query}`, {
        ...options,
        ...(options.method && { body: query }),
        redirect: "manual",
      });
      answer = response.ok ? await response.json() : null;
    } catch {
      // The portal is away; said below.
    }
    if (number !== asked) {
      return; // a later question has its own answer
    }
    if (answer === null) {
      offer([]);
      say(picker.dataset.lost);
      return;
    }
    offer(answer.people);
    lookUp.hidden = !answer.is_address;
    const { length } = answer.people;
    const count = length === 1 ? picker.dataset.foundOne : picker.dataset.foundMany.replace("%(count)s", length);
    say(answer.problem || (length ? count : answer.is_address ? "" : picker.dataset.none));
  };

  const askPlatform = async () => {
    // Of any form of the page: one that asks by GET has none of its own.
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    await ask({ method: "POST", headers: { "X-CSRFToken": token } });
    if (offers.length === 1) {
      choose(offers[0]);
    }
    search.focus();
  };

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  search.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.isComposing) {
      return; // an input method is being used: Enter and arrows are its own
    }
    if (key === "Enter") {
      event.preventDefault(); // it would send the form
      if (offers[active]) {
        choose(offers[active]);
      } else if (lookUp.checkVisibility()) {
        askPlatform();
      }
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      const step = key === "ArrowDown" ? 1 : -1;
      mark(offers.length ? (active + step + offers.length) % offers.length : -1);
    } else if (key === "Escape" && offers.length) {
      event.preventDefault();
      offer([]);
    } else if (key === "Backspace" && !search.value) {
      write(lines().slice(0, -1));
    }
  });
  search.addEventListener("blur", () => offer([]));
  lookUp.addEventListener("click", askPlatform);
  list.addEventListener("input", showChosen);
  bot.addEventListener("change", () => {
    const others = lines().filter((line) => !line.startsWith("ou_"));
    if (others.length < lines().length) {
      write(others);
      say(picker.dataset.other);
    }
  });

  picker.querySelector("[data-ids]").append(list);
  showChosen();
  picker.hidden = false;
}

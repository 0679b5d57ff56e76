// The picker of people: every chosen person is a line of the list below it, and every line is a chip.
import { avatar } from "./avatar.js";
import { chip, combobox, element } from "./combobox.js";

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
  let timer;
  let asked = 0;

  const lines = () => list.value.split("\n").map((line) => line.trim()).filter(Boolean);

  const write = (ids) => {
    list.value = ids.join("\n");
    // The form asks before unsaved changes are left.
    list.dispatchEvent(new Event("change", { bubbles: true }));
    showChosen();
  };

  const showChosen = () => {
    chosen.replaceChildren(
      ...lines().map((id) => {
        const person = names[id] || { name: id, initials: "" };
        return chip({
          id,
          name: person.name,
          words: picker.dataset.remove,
          before: person.initials ? [avatar(person)] : [],
          remove: () => {
            write(lines().filter((line) => line !== id));
            search.focus();
          },
        });
      }),
    );
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

  const row = (person) => {
    const who = element("span", "portal-person");
    if (person.initials) {
      who.append(avatar(person));
    }
    who.append(person.name);
    return [who, element("span", "portal-subtle", person.more)];
  };

  // The people who were found and are offered.
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
      return [];
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
      return []; // a later question has its own answer
    }
    if (answer === null) {
      offer([]);
      say(picker.dataset.lost);
      return [];
    }
    offer(answer.people);
    lookUp.hidden = !answer.is_address;
    const { length } = answer.people;
    const count = length === 1 ? picker.dataset.foundOne : picker.dataset.foundMany.replace("%(count)s", length);
    say(answer.problem || (length ? count : answer.is_address ? "" : picker.dataset.none));
    return answer.people;
  };

  const askPlatform = async () => {
    // Of any form of the page: one that asks by GET has none of its own.
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const people = await ask({ method: "POST", headers: { "X-CSRFToken": token } });
    if (people.length === 1) {
      choose(people[0]);
    }
    search.focus();
  };

  const offer = combobox({
    search,
    found,
    row,
    choose,
    enter: () => lookUp.checkVisibility() && askPlatform(),
    erase: () => write(lines().slice(0, -1)),
  });
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
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

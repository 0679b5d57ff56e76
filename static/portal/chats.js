// The picker of a group: the field below it holds the ID of the one that is chosen. The platform is asked once for all groups of a
// bot, which are searched here.
import { chip, combobox, element } from "./combobox.js";

const MOST = 50; // offers at once

for (const picker of document.querySelectorAll("[data-chat]")) {
  const field = document.getElementById(picker.dataset.chat);
  const bot = document.getElementById(picker.dataset.bot); // none on a page of one bot
  const chosen = picker.querySelector("[data-chosen]");
  const search = picker.querySelector("[role=combobox]");
  const found = picker.querySelector("[role=listbox]");
  const said = picker.querySelector("[data-said]");
  const answers = new Map(); // by address: the promise of what the platform says
  let known = []; // the groups of the bot, as far as they were asked for

  const say = (text) => {
    said.textContent = text;
  };

  const showChosen = () => {
    const id = field.value.trim();
    const name = known.find((chat) => chat.id === id)?.name || id;
    const remove = () => {
      write("");
      search.focus();
    };
    chosen.replaceChildren(...(id ? [chip({ id, name, words: picker.dataset.remove, remove })] : []));
  };

  const write = (id) => {
    field.value = id;
    // The form asks before unsaved changes are left.
    field.dispatchEvent(new Event("change", { bubbles: true }));
    showChosen();
  };

  const ask = async (address) => {
    try {
      const response = await fetch(address, {
        method: "POST",
        headers: { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
        redirect: "manual",
      });
      if (response.ok) {
        return await response.json();
      }
    } catch {
      // The portal is away.
    }
    return { chats: [], problem: picker.dataset.lost };
  };

  const currentAddress = () => {
    const key = bot ? bot.value : picker.dataset.of;
    return key && picker.dataset.address.replace("BOT", encodeURIComponent(key));
  };

  // False where the bot has become another one meanwhile.
  const load = async () => {
    const address = currentAddress();
    if (!address) {
      known = [];
      say(picker.dataset.botless);
      return true;
    }
    if (!answers.has(address)) {
      say(picker.dataset.asking);
      answers.set(address, ask(address));
    }
    const answer = await answers.get(address);
    if (answer.problem) {
      answers.delete(address); // the next look asks again
    }
    if (address !== currentAddress()) {
      return false;
    }
    known = answer.chats;
    say(answer.problem || (known.length ? answer.note : picker.dataset.none));
    showChosen();
    return true;
  };

  const matching = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (chat) => words.every((word) => chat.name.toLowerCase().includes(word) || chat.id === word);
    return known.filter(fits).slice(0, MOST);
  };

  const show = async () => {
    if ((await load()) && document.activeElement === search) {
      const chats = matching();
      offer(chats);
      if (known.length && !chats.length) {
        say(picker.dataset.nothing);
      }
    }
  };

  const choose = (chat) => {
    search.value = "";
    offer([]);
    write(chat.id);
    say(picker.dataset.chosen.replace("%(name)s", chat.name));
  };

  const offer = combobox({
    search,
    found,
    row: (chat) => [element("span", "", chat.name), element("span", "portal-subtle", chat.id)],
    choose,
    erase: () => write(""),
  });

  search.addEventListener("focus", show);
  search.addEventListener("input", show);
  field.addEventListener("input", showChosen);
  bot?.addEventListener("change", () => {
    known = [];
    showChosen();
    if (field.value) {
      load(); // whether this one is in the group, too: its name stands there
    } else {
      say("");
    }
  });

  picker.querySelector("[data-ids]").append(field);
  picker.hidden = false;
  showChosen();
  if (field.value && currentAddress()) {
    load();
  }
}

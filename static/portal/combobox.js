// A search box with a list of offers below it: arrows move in it, Enter and the mouse choose, Escape and leaving the box close it.
//
// `row` draws an item into its option; `choose` gets the chosen one. Enter without offers calls `enter`, Backspace in an empty box
// `erase`.
export function combobox({ search, found, row, choose, enter = () => {}, erase = () => {} }) {
  let offers = [];
  let active = -1;

  const mark = (index) => {
    active = index;
    [...found.children].forEach((option, number) => option.setAttribute("aria-selected", number === index));
    const option = found.children[index];
    search.setAttribute("aria-activedescendant", option ? option.id : "");
    option?.scrollIntoView({ block: "nearest" });
  };

  const offer = (items) => {
    offers = items;
    found.replaceChildren(
      ...items.map((item, number) => {
        const option = document.createElement("li");
        option.className = "portal-people-option";
        option.id = `${found.id}_${number}`;
        option.setAttribute("role", "option");
        option.append(...row(item));
        // Not click: the field would lose the focus before.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(item);
        });
        return option;
      }),
    );
    found.hidden = !items.length;
    search.setAttribute("aria-expanded", String(items.length > 0));
    mark(items.length ? 0 : -1);
  };

  search.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.isComposing) {
      return; // an input method is being used: Enter and arrows are its own
    }
    if (key === "Enter") {
      event.preventDefault(); // it would send the form
      if (offers[active]) {
        choose(offers[active]);
      } else {
        enter();
      }
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      const step = key === "ArrowDown" ? 1 : -1;
      mark(offers.length ? (active + step + offers.length) % offers.length : -1);
    } else if (key === "Escape" && offers.length) {
      event.preventDefault();
      offer([]);
    } else if (key === "Backspace" && !search.value) {
      erase();
    }
  });
  search.addEventListener("blur", () => offer([]));
  return offer;
}

export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// What is chosen, as a chip with a button that takes it back; `before`: what stands before the name.
export function chip({ id, name, words, before = [], remove }) {
  const made = element("li", "portal-people-chip");
  made.title = id;
  const button = element("button", "portal-people-remove", "×");
  button.type = "button";
  button.ariaLabel = words.replace("%(name)s", name);
  button.addEventListener("click", remove);
  made.append(...before, element("span", "", name), button);
  return made;
}

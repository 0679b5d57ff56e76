// The picker beside a list of scopes: a tick is a line of the list, and a line is a tick.
import { filterByWords } from "./word_filter.js";

for (const picker of document.querySelectorAll("[data-scopes]")) {
  const list = document.getElementById(picker.dataset.scopes);
  const boxes = [...picker.querySelectorAll("input[type=checkbox]")];
  const search = picker.querySelector("input[type=search]");
  const none = picker.querySelector("[data-none]");
  const lines = () => list.value.split("\n").map((line) => line.trim()).filter(Boolean);

  const tick = () => {
    const listed = new Set(lines());
    for (const box of boxes) {
      box.checked = listed.has(box.value);
    }
  };

  picker.addEventListener("change", (event) => {
    const { checked, value, type } = event.target;
    if (type === "checkbox") {
      const others = lines().filter((line) => line !== value);
      list.value = (checked ? [...others, value] : others).join("\n");
      // The form asks before unsaved changes are left.
      list.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  filterByWords(search, [...picker.querySelectorAll("li")], none);
  list.addEventListener("input", tick);
  tick();
  picker.hidden = false;
}

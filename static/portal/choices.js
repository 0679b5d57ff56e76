// Lists of checkboxes that are searched by name. A list is one stop of the Tab key, as there may be a thousand boxes: the arrow
// keys move from the search box into it and within it.
import { filterByWords } from "./word_filter.js";

for (const list of document.querySelectorAll("[data-choices]")) {
  const head = list.querySelector("[data-head]");
  if (!head) {
    continue;
  }
  const search = head.querySelector("input");
  const count = head.querySelector("[data-count]");
  const rows = [...list.querySelectorAll("li")];
  const boxes = rows.map((row) => row.querySelector("input"));
  const visible = () => boxes.filter((_box, index) => !rows[index].hidden);
  let stop = boxes[0];

  const moveStop = (box) => {
    stop.tabIndex = -1;
    stop = box;
    stop.tabIndex = 0;
  };

  const say = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    count.textContent = count.dataset.count.replace("%(count)s", chosen);
  };

  const target = (key, from, among) =>
    ({ ArrowDown: among[from + 1], ArrowUp: among[from - 1], Home: among[0], End: among.at(-1) })[key];

  list.addEventListener("keydown", (event) => {
    const isSearch = event.target === search;
    if (isSearch && event.key !== "ArrowDown") {
      return;
    }
    const among = visible();
    const box = target(event.key, among.indexOf(event.target), among);
    if (box) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      search.focus();
    }
  });
  list.addEventListener("focusin", (event) => event.target.type === "checkbox" && moveStop(event.target));
  list.addEventListener("change", say);
  filterByWords(search, rows, list.querySelector("[data-none]"));
  search.addEventListener("input", () => {
    const [first] = visible();
    if (first) {
      moveStop(first);
    }
  });

  for (const box of boxes) {
    box.tabIndex = -1;
  }
  moveStop(stop);
  say();
  head.hidden = false;
}

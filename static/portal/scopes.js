// The picker beside a list of scopes: a tick is a line of the list, and a line is a tick.
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

  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...picker.querySelectorAll("li")];
    for (const row of rows) {
      row.hidden = !words.every((word) => row.dataset.words.includes(word));
    }
    none.hidden = rows.some((row) => !row.hidden);
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
  // Enter would send the form.
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  search.addEventListener("input", find);
  list.addEventListener("input", tick);
  tick();
  picker.hidden = false;
}

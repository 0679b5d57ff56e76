// Rows of a list that have every word of a search box stay, the others are hidden; `none` shows where no row is left. A row's
// text is searched, or what its data-words say.
export function filterByWords(search, rows, none) {
  // Enter would send the form.
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      row.dataset.words ??= row.textContent.toLowerCase();
      row.hidden = !words.every((word) => row.dataset.words.includes(word));
    }
    none.hidden = rows.some((row) => !row.hidden);
  });
}

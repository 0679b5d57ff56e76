// Copies the text of a [data-copy] button, or that of the block after a [data-copy-block] button, and says so on the button
// for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-block]");
  if (!button) {
    return;
  }
  const text = button.dataset.copy ?? button.nextElementSibling.textContent;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    // Without https there is no clipboard API.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const words = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => {
    button.textContent = words;
  }, 1500);
});

// Shows a page with [data-reload="seconds"] anew while it is looked at, for what is still under way.
const reload = document.querySelector("[data-reload]");
if (reload) {
  setInterval(() => {
    if (!document.hidden) {
      location.reload();
    }
  }, Number(reload.dataset.reload) * 1000);
}

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

// What scrolls has a name for screen readers, which Unfold's library says in English.
document.addEventListener("DOMContentLoaded", () => {
  const words = document.querySelector("[data-scrolls]")?.dataset.scrolls;
  if (words && window.SimpleBar) {
    SimpleBar.defaultOptions.ariaLabel = words;
  }
});

// Reloads a page with [data-reload="seconds"] while it is looked at, for what is still under way. This script runs before the
// page is there.
document.addEventListener("DOMContentLoaded", () => {
  const reload = document.querySelector("[data-reload]");
  if (reload) {
    setInterval(() => {
      if (!document.hidden) {
        location.reload();
      }
    }, Number(reload.dataset.reload) * 1000);
  }
});

// Menus are popovers: above everything, closed by Escape and by a click elsewhere, and focus goes back to their button. They open
// beside it, to that side where there is room.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("[data-menu]") || event.newState !== "open") {
    return;
  }
  const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const below = button.bottom + 4 + menu.offsetHeight <= innerHeight;
  menu.style.top = `${Math.max(4, below ? button.bottom + 4 : button.top - 4 - menu.offsetHeight)}px`;
  menu.style.left = `${Math.max(4, Math.min(button.right, innerWidth - 4) - menu.offsetWidth)}px`;
}, true);

// A fixed menu stays where it is while the page moves away under it.
addEventListener("scroll", () => document.querySelector("[data-menu]:popover-open")?.hidePopover(), { passive: true });

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[data-menu]") ?? document.querySelector("[data-menu]:popover-open");
  if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) {
    return;
  }
  const entries = [...menu.querySelectorAll("a, button")].filter((entry) => entry.offsetParent !== null);
  const at = entries.indexOf(document.activeElement);
  const next = at < 0 ? (event.key === "ArrowDown" ? 0 : -1) : (at + (event.key === "ArrowDown" ? 1 : -1)) % entries.length;
  entries.at(next)?.focus();
  event.preventDefault();
});

// Dialogs: [data-opens] names one, [data-closes] and a click beside it close it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    document.getElementById(opener.dataset.opens).showModal();
  } else if (event.target.closest("[data-closes]") || event.target.matches("dialog.portal-drawer, dialog.portal-search-dialog")) {
    event.target.closest("dialog")?.close();
  }
});

// Ctrl-K searches everything, "/" the list of the page where it has a search.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches?.("input, textarea, select, [contenteditable]");
  const isForAll = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
  if (!isForAll && (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey)) {
    return;
  }
  const ofList = document.querySelector("#searchbar, [role=search] input:not([type=hidden])");
  const dialog = document.getElementById("portal-search");
  if (!isForAll && ofList) {
    ofList.focus();
    ofList.select();
  } else if (dialog && !document.querySelector("dialog[open]")) {
    dialog.showModal();
  } else {
    return;
  }
  event.preventDefault();
});

const PAUSE = 150; // milliseconds without a key, after which the portal is asked

document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.getElementById("portal-search");
  if (!dialog) {
    return;
  }
  const field = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const failed = dialog.querySelector("[role=alert]");
  const options = () => [...list.querySelectorAll("[role=option]")];
  let waiting = 0;
  let asking = null;

  function choose(option) {
    for (const other of options()) {
      other.setAttribute("aria-selected", String(other === option));
    }
    if (option) {
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const answer = await fetch(`${dialog.dataset.address}?${new URLSearchParams({ q: field.value })}`, { signal, redirect: "error" });
      const html = await answer.text();
      if (!signal.aborted) {
        failed.hidden = answer.ok;
        list.innerHTML = answer.ok && field.value.trim() ? html : "";
        options().forEach((option, number) => { option.id = `portal-hit-${number}`; });
        choose(options()[0]);
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        list.replaceChildren();
        failed.hidden = false;
      }
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    const all = event.isComposing ? [] : options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      choose(all.at((at + (event.key === "ArrowDown" ? 1 : -1)) % all.length));
    } else if (event.key === "Enter" && all[at]) {
      all[at].querySelector("a").click();
    } else {
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("mousemove", (event) => choose(event.target.closest("[role=option]") ?? options()[0]));
});

// What a list cuts off is said in full to whoever points at it.
document.addEventListener("mouseover", (event) => {
  const cell = event.target.closest?.(".result-list :is(td, th)");
  if (cell && !cell.title && cell.scrollWidth > cell.clientWidth) {
    cell.title = cell.textContent.trim();
  }
});

// Toasts and the question before a dangerous button.

import { h } from "./dom.js";
import { t } from "./words.js";

const SHOWN_MS = 5000;

export function toast(type, text) {
  const drawn = h("div", { class: "toast", "data-testid": "toast", "data-type": type, role: "status" }, text);
  document.getElementById("toasts").append(drawn);
  setTimeout(() => drawn.remove(), SHOWN_MS);
}

export function confirm({ title, text }) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h3").textContent = title;
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("[value=no]").textContent = t("cancel");
  dialog.querySelector("[value=yes]").textContent = t("confirm");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// The live tail: new events on top, and those that are shown brought up to date. At most MOST stay.
import { follow } from "./live.js";

const MOST = 300;

const tail = document.querySelector("[data-tail]");
const list = tail.querySelector("ol");
const empty = tail.querySelector("[data-tail-empty]");
const pause = document.querySelector("[data-tail-pause]");
const state = document.querySelector("[data-tail-state]");
const filters = Object.fromEntries(new URLSearchParams(location.search));
const shown = new Map();
const waiting = []; // what came in a pause
let cursor = null;
let paused = false;
let now = "offline";

function say(word) {
  now = word;
  const said = paused && word !== "ended" ? "paused" : word;
  state.textContent = state.dataset[said];
  state.dataset.now = said;
}

function cell(name, text) {
  const span = document.createElement("span");
  span.className = `portal-tail-${name}`;
  span.textContent = text;
  return span;
}

function put(row) {
  const known = shown.get(row.pk);
  if (known) {
    known.querySelector(".portal-tail-status").textContent = row.status_label;
    known.dataset.status = row.status;
    return;
  }
  const item = document.createElement("li");
  item.dataset.status = row.status;
  const link = document.createElement("a");
  link.href = row.address;
  link.textContent = row.type;
  item.append(cell("time", row.received), cell("status", row.status_label), link, cell("bot", row.bot), cell("id", row.event_id));
  // Numbers come in order but for a few: each goes where it belongs.
  const before = [...list.children].find((other) => Number(other.dataset.pk) < row.pk);
  item.dataset.pk = row.pk;
  list.insertBefore(item, before ?? null);
  shown.set(row.pk, item);
  while (list.children.length > MOST) {
    shown.delete(Number(list.lastChild.dataset.pk));
    list.lastChild.remove();
  }
}

function show({ cursor: next, rows }) {
  cursor = next;
  if (paused) {
    waiting.push(...rows);
    waiting.splice(0, waiting.length - MOST);
    return;
  }
  rows.forEach(put);
  empty.hidden = list.children.length > 0;
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  say(now);
  if (!paused) {
    show({ cursor, rows: waiting.splice(0) });
  }
});

follow({
  socket: tail.dataset.socket,
  poll: tail.dataset.poll,
  hello: () => ({ cursor, filters }),
  show,
  status: say,
});

// Live events: new ones on top, the shown ones kept up to date. At most MAX_ROWS stay.
import { avatar } from "./avatar.js";
import { follow } from "./live.js";

const MAX_ROWS = 300;

const tail = document.querySelector("[data-tail]");
const list = tail.querySelector("ol");
const empty = tail.querySelector("[data-tail-empty]");
const pause = document.querySelector("[data-tail-pause]");
const state = document.querySelector("[data-tail-state]");
const filters = Object.fromEntries(new URLSearchParams(location.search));
const shown = new Map();
const held = []; // rows that came while paused
let cursor = null;
let paused = false;
let connection = "offline";

function showState(status) {
  connection = status;
  const shownState = paused && status !== "ended" ? "paused" : status;
  state.textContent = state.dataset[shownState];
  state.dataset.now = shownState;
}

function cell(name, text) {
  const span = document.createElement("span");
  span.className = `portal-tail-${name}`;
  span.textContent = text;
  return span;
}

function putRow(row) {
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
  const said = cell("said", row.said);
  if (row.person) {
    said.title = row.person.open_id;
    said.prepend(avatar(row.person), " ");
  }
  item.append(cell("time", row.received), cell("status", row.status_label), link, cell("bot", row.bot), said);
  // Rows come in the order of their numbers but for a few.
  const before = [...list.children].find((other) => Number(other.dataset.pk) < row.pk);
  item.dataset.pk = row.pk;
  list.insertBefore(item, before ?? null);
  shown.set(row.pk, item);
  while (list.children.length > MAX_ROWS) {
    shown.delete(Number(list.lastChild.dataset.pk));
    list.lastChild.remove();
  }
}

function show({ cursor: next, rows }) {
  cursor = next;
  if (paused) {
    held.push(...rows);
    held.splice(0, held.length - MAX_ROWS);
    return;
  }
  rows.forEach(putRow);
  empty.hidden = list.children.length > 0;
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  showState(connection);
  if (!paused) {
    show({ cursor, rows: held.splice(0) });
  }
});

follow({
  socket: tail.dataset.socket,
  poll: tail.dataset.poll,
  handshake: () => ({ cursor, filters }),
  show,
  status: showState,
});

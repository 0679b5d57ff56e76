// The live tail: asks for what is new, puts it on top, and brings rows that are shown up to date. At most MOST stay.
const MOST = 300;
const EVERY = 1000; // milliseconds
const PATIENCE = 5000; // after a failure

const tail = document.querySelector("[data-tail]");
const list = tail.querySelector("ol");
const empty = tail.querySelector("[data-tail-empty]");
const pause = document.querySelector("[data-tail-pause]");
const state = document.querySelector("[data-tail-state]");
const shown = new Map();
let cursor = "";
let paused = false;

function say(what) {
  state.textContent = state.dataset[what];
  state.dataset.now = what;
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

async function look() {
  const question = new URLSearchParams(location.search);
  if (cursor) {
    question.set("after", cursor);
  }
  const answer = await fetch(`${tail.dataset.tail}?${question}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    throw new Error(`answer ${answer.status}`);
  }
  const { cursor: next, rows } = await answer.json();
  cursor = String(next);
  rows.forEach(put);
  empty.hidden = list.children.length > 0;
}

async function follow() {
  let wait = EVERY;
  if (!paused && !document.hidden) {
    try {
      await look();
      say(paused ? "paused" : "live");
    } catch {
      say("lost");
      wait = PATIENCE;
    }
  }
  setTimeout(follow, wait);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  say(paused ? "paused" : "live");
});

follow();

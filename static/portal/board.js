// The board of connections: rows are replaced as they change, filtered here, and one connection opens in a panel.
import { setClock, setTime, writeAges } from "./ages.js";
import { follow, showStatus } from "./live.js";

const board = document.getElementById("board");
const panel = document.getElementById("panel");
const said = document.getElementById("said");
const search = board?.querySelector("[type=search]");
const tiles = [...(board?.querySelectorAll("[data-show]") ?? [])];
const times = new Map();
let show = tiles.find((tile) => tile.hasAttribute("aria-current"))?.dataset.show ?? "";
let opened = "";

const selected = search?.value ?? "";

const isCut = () => board.hasAttribute("data-cut");
const rows = () => [...board.querySelectorAll("tbody[data-bot]")];

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// --- messages of the server

function put(id, html) {
  const row = parse(html);
  const old = document.getElementById(`bot-${id}`);
  const menuWasOpen = old?.querySelector("details")?.open;
  const focused = old?.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  if (old) {
    old.replaceWith(row);
  } else {
    board.querySelector("thead").after(row);
  }
  row.querySelector("details").open = Boolean(menuWasOpen);
  if (focused) {
    row.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  }
  if (old && old.dataset.health !== row.dataset.health) {
    row.classList.add("is-new");
    announce(row);
  }
  for (const time of row.querySelectorAll("time[id]")) {
    if (times.has(time.id)) {
      setTime(time.id, times.get(time.id));
    }
  }
  if (panel.open && row.querySelector(`[data-panel="${CSS.escape(opened)}"]`)) {
    open(opened);
  }
}

function announce(row) {
  said.textContent = `${row.querySelector(".board-bot").textContent}: ${row.querySelector(".board-badge").lastChild.textContent}`;
}

function receive(message) {
  setClock(message.now);
  for (const [place, seconds] of Object.entries(message.times ?? {})) {
    times.set(place, seconds);
    setTime(place, seconds);
  }
  if (message.heads) {
    const heads = document.getElementById("heads");
    heads.innerHTML = message.heads.html;
    board.dataset.heads = message.heads.digest;
    board.dataset.columns = message.heads.columns;
  }
  Object.entries(message.rows ?? {}).forEach(([id, html]) => put(id, html));
  (message.gone ?? []).forEach((id) => document.getElementById(`bot-${id}`)?.remove());
  if (message.counts) {
    showCounts(message.counts);
  }
  if (message.rows || message.gone || message.counts) {
    filter();
  }
  writeAges(board);
}

// --- filter and search

// Where not all bots are drawn, only the server can count them, filter and search.
function showCounts(counts) {
  board.toggleAttribute("data-cut", Object.keys(counts).length > 0);
  for (const tile of isCut() ? tiles : []) {
    tile.querySelector(".board-count").textContent = counts[tile.dataset.show];
  }
}

function filter() {
  const counts = new Map();
  const wanted = (isCut() ? selected : search.value).trim().toLocaleLowerCase();
  let visible = 0;
  for (const row of rows()) {
    const { health, find } = row.dataset;
    counts.set(health, (counts.get(health) ?? 0) + 1);
    row.hidden = Boolean((show && health !== show) || !find.toLocaleLowerCase().includes(wanted));
    visible += !row.hidden;
  }
  for (const tile of tiles) {
    const number = tile.querySelector(".board-count");
    if (!isCut()) {
      number.textContent = tile.dataset.show ? (counts.get(tile.dataset.show) ?? 0) : rows().length;
    }
    tile.toggleAttribute("data-none", number.textContent === "0");
    tile.dataset.show === show ? tile.setAttribute("aria-current", "true") : tile.removeAttribute("aria-current");
  }
  board.querySelector(".board-nothing").hidden = visible > 0;
}

function remember() {
  const address = new URL(window.location);
  for (const [name, value] of [["show", show], ["q", search.value.trim()]]) {
    value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

// --- the panel

async function open(address) {
  opened = address;
  const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
  if (!answer?.ok) {
    return false;
  }
  panel.innerHTML = await answer.text();
  if (!panel.open) {
    panel.showModal();
  }
  return true;
}

if (board) {
  for (const tile of tiles) {
    tile.addEventListener("click", (event) => {
      if (isCut()) {
        return;
      }
      event.preventDefault();
      show = tile.dataset.show;
      filter();
      remember();
    });
  }
  search.addEventListener("input", () => {
    if (!isCut()) {
      filter();
      remember();
    }
  });
  search.form.addEventListener("submit", (event) => isCut() || event.preventDefault());
  board.addEventListener("click", async (event) => {
    const slot = event.target.closest("[data-panel]");
    if (slot && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (!(await open(slot.dataset.panel))) {
        window.location = slot.href;
      }
    }
  });
  document.addEventListener("click", (event) => {
    board.querySelectorAll("details[open]").forEach((menu) => {
      menu.open = menu.contains(event.target);
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && board.querySelector("details[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  panel.addEventListener("click", (event) => event.target === panel && panel.close());
  follow({
    socket: board.dataset.socket,
    poll: board.dataset.poll,
    handshake: () => ({
      columns: board.dataset.columns,
      heads: board.dataset.heads,
      is_cut: isCut(),
      show,
      query: isCut() ? selected : "",
      rows: Object.fromEntries(rows().map((row) => [row.dataset.bot, row.dataset.digest])),
    }),
    show: receive,
    status: showStatus,
  });
}

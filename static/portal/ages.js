// Ages that grow: every <time data-age datetime> says how long ago that was, by the server's clock, and every
// <time data-until datetime> how long it is until then.
//
// The words stand on an element with data-age-d, data-age-h, data-age-min and data-age-s; data-now is the server's time
// when the page was made, in seconds since 1970.
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const words = document.querySelector("[data-age-s]")?.dataset ?? {};
let ahead = words.now ? Number(words.now) * 1000 - Date.now() : 0;

export function setClock(serverSeconds) {
  ahead = serverSeconds * 1000 - Date.now();
}

function short(seconds) {
  const [name, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  return words[`age${name[0].toUpperCase()}${name.slice(1)}`].replace("{}", Math.floor(seconds / length));
}

function write(element) {
  const moment = Date.parse(element.dateTime);
  if (!Number.isNaN(moment)) {
    const passed = (Date.now() + ahead - moment) / 1000;
    const text = short(Math.max(0, "until" in element.dataset ? -passed : passed));
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
}

export function setTime(place, seconds) {
  const element = document.getElementById(place);
  if (element) {
    element.dateTime = new Date(seconds * 1000).toISOString();
    element.title = new Date(seconds * 1000).toLocaleString("sv-SE");  // as the portal writes it: 2026-11-29 07:16:46
    write(element);
  }
}

export function writeAges(root = document) {
  root.querySelectorAll("time[data-age], time[data-until]").forEach(write);
}

setInterval(() => document.visibilityState === "visible" && writeAges(), 1000);

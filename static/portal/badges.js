// Keeps labels and checklists of bots up to date, wherever they stand on a page, and the overview's first line.
import { writeAges } from "./ages.js";
import { follow, showStatus } from "./live.js";

const root = document.querySelector("[data-live-bots]");
const badges = () => [...document.querySelectorAll("[data-live-bot]")];
const checklists = () => [...document.querySelectorAll("[data-live-checklist]")];
const digests = (elements, name) => Object.fromEntries(elements.map(({ dataset }) => [dataset[name], dataset.digest]));

// What a person has opened stays open, and the focus stays where it is.
function replace(element, news) {
  const isOpen = element.querySelector("details")?.open ?? false;
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  element.dataset.digest = news.digest;
  element.innerHTML = news.html;
  element.querySelector("details")?.toggleAttribute("open", isOpen);
  if (focused) {
    element.querySelector(`[data-testid="${focused}"]`)?.focus();
  }
}

const setup = document.querySelector("[data-live-setup]");
const verdict = document.querySelector("[data-live-verdict]");
const figures = document.querySelector("[data-live-figures]");

// The tab says it, too: how many problems there are, and whether it is bad.
function showInTab({ problems, icon }) {
  const title = document.title.trim().replace(/^\(\d+\) /, "");
  document.title = problems ? `(${problems}) ${title}` : title;
  [...document.querySelectorAll("link[rel=icon]")].at(-1).href = icon;
}

if (root && (badges().length || setup || verdict || figures)) {
  follow({
    socket: root.dataset.socket,
    poll: root.dataset.poll,
    handshake: () => ({
      badges: digests(badges(), "liveBot"),
      checklists: digests(checklists(), "liveChecklist"),
      setup: setup?.dataset.digest,
      verdict: verdict?.dataset.digest,
      figures: figures && { span: figures.dataset.liveFigures, bot: figures.dataset.bot, digest: figures.dataset.digest },
    }),
    show: (message) => {
      for (const badge of badges()) {
        const news = message.badges?.[badge.dataset.liveBot];
        if (news) {
          replace(badge, news);
        }
      }
      for (const checklist of checklists()) {
        const news = message.checklists?.[checklist.dataset.liveChecklist];
        if (news) {
          replace(checklist, news);
        }
      }
      if (setup && message.setup) {
        replace(setup, message.setup);
      }
      if (figures && message.figures) {
        replace(figures, message.figures);
      }
      if (verdict && message.verdict) {
        replace(verdict, message.verdict);
        showInTab(message.verdict);
      }
      writeAges();
    },
    status: showStatus,
  });
}

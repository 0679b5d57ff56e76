// Keeps labels and checklists of bots up to date, wherever they stand on a page, and the overview's first line and problems.
import { writeAges } from "./ages.js";
import { follow, showStatus } from "./live.js";

const root = document.querySelector("[data-live-bots]");
const badges = () => [...document.querySelectorAll("[data-live-bot]")];
const checklists = () => [...document.querySelectorAll("[data-live-checklist]")];
const digests = (elements, name) => Object.fromEntries(elements.map(({ dataset }) => [dataset[name], dataset.digest]));

// What a person has opened stays open, and the focus stays where it is.
function replace(element, news) {
  const opened = [...element.querySelectorAll("details[open]")].map(({ dataset }) => dataset.testid);
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  element.dataset.digest = news.digest;
  element.innerHTML = news.html;
  const named = (name) => [...element.querySelectorAll("[data-testid]")].find(({ dataset }) => dataset.testid === name);
  opened.forEach((name) => named(name)?.toggleAttribute("open", true));
  if (focused) {
    named(focused)?.focus();
  }
}

const problems = document.querySelector("[data-live-problems]");
const verdict = document.querySelector("[data-live-verdict]");
const figures = document.querySelector("[data-live-figures]");

// The tab says it, too: how many problems there are, and whether it is bad.
function showInTab({ problems, icon }) {
  const title = document.title.trim().replace(/^\([\d,]+\+?\) /, "");
  document.title = problems ? `(${problems}) ${title}` : title;
  [...document.querySelectorAll("link[rel=icon]")].at(-1).href = icon;
}

if (root && (badges().length || verdict || figures)) {
  follow({
    socket: root.dataset.socket,
    poll: root.dataset.poll,
    handshake: () => ({
      badges: digests(badges(), "liveBot"),
      checklists: digests(checklists(), "liveChecklist"),
      verdict: verdict?.dataset.digest,
      problems: problems?.dataset.digest,
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
      if (problems && message.problems) {
        replace(problems, message.problems);
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

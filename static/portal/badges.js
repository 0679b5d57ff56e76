// Keeps labels about bots up to date, wherever they stand on a page.
import { writeAges } from "./ages.js";
import { follow, showStatus } from "./live.js";

const root = document.querySelector("[data-live-bots]");
const badges = () => [...document.querySelectorAll("[data-live-bot]")];

if (root && badges().length) {
  follow({
    socket: root.dataset.socket,
    poll: root.dataset.poll,
    handshake: () => ({ badges: Object.fromEntries(badges().map(({ dataset }) => [dataset.liveBot, dataset.digest])) }),
    show: (message) => {
      for (const badge of badges()) {
        const news = message.badges[badge.dataset.liveBot];
        if (news) {
          badge.dataset.digest = news.digest;
          badge.innerHTML = news.html;
        }
      }
      writeAges();
    },
    status: showStatus,
  });
}

// The preview of a card template, alone in its frame: drawn as the sandbox draws cards, with no picture and no click.
import { drawCard } from "../sandbox/card.js";

const card = JSON.parse(document.getElementById("card").textContent);
document.body.append(
  drawCard(card, { click: async () => {}, confirm: async () => false, nameOf: (openId) => openId, pictureOf: () => null }),
);

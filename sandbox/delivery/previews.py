"""Links in what people write: the callback `url.preview.get`, and what the client shows of its answer.

Pages "Link preview development guide" and "Pull link preview data". The platform asks an app for the links that fit the rules of
its developer console, once for everybody who sees the message; here the bots of the chat that have the callback are asked for
each link, once, for the person who wrote it.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from feishu.callbacks import PREVIEW
from feishu.message_parts import PartKind, paragraphs_of
from feishu.values import mapping_of, text_of
from sandbox.cards import validation
from sandbox.config import AppConfig, PersonConfig
from sandbox.delivery import envelopes
from sandbox.delivery.courier import Courier
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.deliveries import AppAnswer
from sandbox.world.messages import Message, Preview
from sandbox.world.world import World

MOST_LINKS: Final = 5
"""Of one message that are asked for."""
# Up to a blank, a quotation mark, or what in Chinese stands between words.
_LINK: Final = re.compile(r"https?://[^\s<>\"'\u3000-\u303f\uff00-\uffef]+")
_WEB: Final = ("https://", "http://")


def links_in(message: Message) -> list[str]:
    """The links in a text or a rich text, each once, in their order."""
    if message.msg_type not in {"text", "post"}:
        return []
    return list(dict.fromkeys(_links(message)))[:MOST_LINKS]


def ask_about_links(world: World, courier: Courier, person: PersonConfig, message: Message) -> None:
    """Ask the bots of the chat about each link of a new or changed message; what they answer is shown when it comes."""
    message.previews.clear()
    apps = [world.apps.get(app_id) for app_id in world.mailbox.chats[message.chat_id].apps]
    asked = [app for app in apps if app is not None and PREVIEW in app.callbacks]
    if asked:
        for url in links_in(message):
            courier.start(_Link(world, courier, person, message, url).ask(asked))


@dataclass(frozen=True, slots=True)
class _Link:
    """A link in a message, and the person who sees it."""

    world: World
    courier: Courier
    person: PersonConfig
    message: Message
    url: str

    async def ask(self, apps: list[AppConfig]) -> None:
        """All apps at once; of those that have something to show, the first in the chat."""
        found = await asyncio.gather(*map(self._asked, apps))
        preview = next((one for one in found if one is not None), None)
        if preview is not None and self._is_there_still():
            self.message.previews.append(preview)
            self.world.watchers.tell("message", message=self.message.shown())

    def _is_there_still(self) -> bool:
        """The message may have been edited meanwhile, and its links asked about again."""
        known = {one.url for one in self.message.previews}
        return self.url in links_in(self.message) and self.url not in known

    async def _asked(self, app: AppConfig) -> Preview | None:
        event_id, token = ids.event_id(), ids.preview_token()
        payload = envelopes.schema_2(
            app,
            PREVIEW,
            envelopes.link_seen(app, self.person, self.message, url=self.url, token=token),
            event_id=event_id,
            create_time=str(int(self.world.clock() * 1_000_000)),
        )
        answer = await self.courier.call_back(app, payload, event_id=event_id, event_type=PREVIEW)
        preview = Preview(url=self.url, token=token, app_id=app.app_id)
        return preview if _fill(preview, answer) else None


def _links(message: Message) -> Iterator[str]:
    written = {"message_type": message.msg_type, "content": message.content}
    for part in (part for line in paragraphs_of(written) for part in line):
        if part.kind == PartKind.LINK and part.href.startswith(_WEB):
            yield part.href
        elif part.kind == PartKind.TEXT:
            yield from (link.rstrip(".,;:!?)") for link in _LINK.findall(part.text))


def _fill(preview: Preview, answer: AppAnswer) -> bool:
    """Take from the answer what the client can show; whether there is something. No mistake in it is told to anybody."""
    try:
        response = mapping_of(parse_json(answer.data)) if answer.outcome == "acked" and answer.data else {}
        json.dumps(response, ensure_ascii=False).encode()  # half of a surrogate pair cannot be shown
    except ValueError:
        return False
    inline = mapping_of(response.get("inline"))
    preview.title = text_of(inline.get("title"))
    preview.i18n_title = {
        language: said for language, said in mapping_of(inline.get("i18n_title")).items() if text_of(said)
    }
    preview.image_key = text_of(inline.get("image_key"))
    urls = mapping_of(inline.get("url"))
    leads_to = (text_of(urls.get(client)) for client in ("web", "pc"))
    preview.href = next((url for url in leads_to if url.startswith(_WEB)), "")
    preview.card = _card(mapping_of(response.get("card")))
    return bool(preview.title or preview.i18n_title or preview.card)


def _card(wrapped: dict[str, Any]) -> dict[str, Any] | None:
    card = wrapped.get("data")
    if wrapped.get("type") != "raw" or not isinstance(card, dict):
        return None
    try:
        validation.check(card)
    except validation.CardError:
        return None
    fits = len(json.dumps(card, ensure_ascii=False).encode()) <= validation.MAX_BYTES
    return card if fits else None

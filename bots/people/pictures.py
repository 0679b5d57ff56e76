"""Pictures of people: fetched in the background from where the platform names them, and kept, for the console to show.

The address comes from the platform's answer, so the request goes where FEISHU_PLATFORM_NETWORKS allows, through the bot's proxy, with
no credentials and after no redirect. What comes back is kept if its bytes are those of a picture.
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from bots.models import Bot, PeopleLookup, PersonPicture
from bots.models.bots import platform_networks
from core.background.notify import notify
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError, TransportError
from feishu.pictures import media_type
from feishu.transport import Transport, default_transport

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 100_000
"""Of a picture; the platform's of 72 pixels have a few thousand."""
MAX_URL: Final = 500
SECONDS: Final = 5.0
"""For one picture."""
AT_ONCE: Final = 100
TASK_SECONDS: Final = 30.0
"""So many, and so long, in one task; the next one goes on."""
CLAIM: Final = timedelta(minutes=1)
"""Until another worker may go on in place of one that died."""
AGAIN: Final = RetrySchedule((600, 7200, 86_400))
"""After the last of these a picture is given up until the platform names one for the person again."""
PAUSE: Final = timedelta(minutes=5)
"""Until a bot's next picture is fetched after a host that did not answer: one that is away costs a timeout, and not one for
each person."""
MAX_BOTS: Final = 50
"""In one sweep."""
_ACCEPTED: Final = {
    "Accept": "image/png, image/jpeg, image/webp, image/gif",
    "Accept-Encoding": "identity",
}


def note(bot: Bot, urls: Mapping[int, str]) -> None:
    """Have pictures fetched that are new. ``urls``: what the platform named, by the person's primary key. In the transaction of
    the rows of these people, which are locked."""
    named = {person: url for person, url in urls.items() if _may_be_address(url)}
    # Without those that were given up.
    known = {
        person: url
        for person, url, failures, fetch_at in PersonPicture.objects.filter(person__in=named).values_list(
            "person", "url", "failures", "fetch_at"
        )
        if fetch_at or not failures
    }
    now = timezone.now()
    new = [
        PersonPicture(person_id=person, url=url, fetch_at=now)
        for person, url in named.items()
        if known.get(person) != url
    ]
    if not new:
        return
    PersonPicture.objects.bulk_create(
        new,
        update_conflicts=True,
        unique_fields=["person"],
        update_fields=["url", "fetch_at", "failures"],
    )
    PeopleLookup.objects.bulk_create(
        [PeopleLookup(bot=bot, pictures_at=now)],
        update_conflicts=True,
        unique_fields=["bot"],
        update_fields=["pictures_at"],
    )
    transaction.on_commit(partial(notify, "bots.fetch_pictures", str(bot.pk)))


def due_bots() -> list[UUID]:
    """Bots whose people's pictures are to be fetched now."""
    due = PeopleLookup.objects.filter(pictures_at__lte=timezone.now(), bot__in=Bot.objects.enabled())
    return list(due.order_by("pictures_at").values_list("pk", flat=True)[:MAX_BOTS])


def fetch(bot_id: UUID, *, transport: Transport | None = None) -> None:
    """Fetch pictures of a bot's people that are due. Those that fail have later attempts, and people keep what they had."""
    bot = Bot.objects.enabled().filter(pk=bot_id).first()
    now = timezone.now()
    mine = PeopleLookup.objects.filter(pk=bot_id)
    if bot is None or not mine.filter(pictures_at__lte=now).update(pictures_at=now + CLAIM):
        return
    waiting = PersonPicture.objects.filter(person__bot=bot, fetch_at__isnull=False)
    due = list(waiting.filter(fetch_at__lte=now).order_by("fetch_at").defer("content")[:AT_ONCE])
    try:
        pause = _fetch_all(due, transport or _transport_of(bot))
    except SealedValueError:
        # The bot's page says that its proxy cannot be opened.
        pause = PAUSE
    next_at = waiting.aggregate(first=Min("fetch_at"))["first"]
    mine.update(pictures_at=next_at and max(next_at, timezone.now() + pause))


def _transport_of(bot: Bot) -> Transport:
    return default_transport(replace(bot.route, networks=platform_networks()))


def _fetch_all(pictures: list[PersonPicture], transport: Transport) -> timedelta:
    """How long to wait before the next ones."""
    deadline = time.monotonic() + TASK_SECONDS
    for picture in pictures:
        if time.monotonic() >= deadline:
            break
        give_back(before_waiting=True)
        try:
            content = _fetched(picture.url, transport)
        except TransportError as error:
            _note_failure(picture, str(error.reason or error.message))
            return PAUSE
        except (FeishuError, _NoPictureError) as error:
            _note_failure(picture, str(error))
        else:
            _keep(picture, content)
    return timedelta()


class _NoPictureError(Exception):
    """What came is none that a page may show."""


def _fetched(url: str, transport: Transport) -> bytes:
    answer = transport.exchange("GET", url, headers=_ACCEPTED, timeout=SECONDS, most=MAX_BYTES)
    if answer.status != 200:
        raise _NoPictureError(f"HTTP {answer.status}")
    if not media_type(answer.content):
        raise _NoPictureError("no PNG, JPEG, WebP or GIF")
    return answer.content


def _keep(picture: PersonPicture, content: bytes) -> None:
    # Unless the platform has named another one meanwhile.
    PersonPicture.objects.filter(pk=picture.pk, url=picture.url).update(
        content=content, digest=hashlib.sha256(content).hexdigest(), fetch_at=None, failures=0
    )


def _note_failure(picture: PersonPicture, error: str) -> None:
    failures = picture.failures + 1
    again = None if AGAIN.is_exhausted(failures) else timezone.now() + AGAIN.pause_after(failures)
    PersonPicture.objects.filter(pk=picture.pk, url=picture.url).update(fetch_at=again, failures=failures)
    host = urlsplit(picture.url).hostname
    logger.warning("picture_not_fetched", extra={"host": host, "error": error, "person": picture.pk})


def _may_be_address(url: str) -> bool:
    """Whether it could be fetched, and a column holds all of it."""
    if not url.startswith(("https://", "http://")) or storable(url, MAX_URL) != url:
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False

"""Asking the platform who people are: in the background, fifty at once, and no more where it refuses.

Events, clicks and API clients name people by open_id alone. Whoever shows such a person calls ``want``; the names come
with a task. The app needs contact:contact.base:readonly for it; without the scope the platform is asked once a day.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from bots.models import Bot, PeopleLookup, Person
from bots.people.directory import FRESH, PersonRef, remember
from core.background.notify import notify
from core.background.pace import Pace
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.codes import ABOUT_ID
from feishu.directory import MAX_PEOPLE, Directory
from feishu.errors import APIError, FeishuError, MissingScope
from feishu.openapi import OpenAPI
from feishu.people import Profile
from feishu.reasons import Reason
from feishu.transport import Transport

logger = logging.getLogger(__name__)

AGAIN: Final = RetrySchedule((60, 300, 1800, 7200))
REFUSED: Final = timedelta(days=1)
"""Until the platform is asked again after it missed a scope."""
CLAIM: Final = timedelta(minutes=2)
"""Until another worker may go on in place of one that died."""
BATCHES: Final = 10
"""Of ``MAX_PEOPLE``, in one task; the next sweep goes on."""
LOOK_UPS: Final = Pace(rate=10)
"""Calls a second of one who looks people up: the platform takes 50 for an app, and all else that it does counts, too."""
SECONDS: Final = 10.0
"""For one call."""
MAX_BOTS: Final = 50
"""In one sweep."""
MAX_ID: Final = 128
"""Characters of an open_id; the column is as wide."""
MAX_WANTED: Final = 500
"""People in one task."""
NOT_AGAIN: Final = 600.0
"""Seconds in which a process asks for the same person once."""
MAX_REMEMBERED: Final = 10_000


class _Lately:
    """What this process has asked for lately."""

    def __init__(self) -> None:
        self._asked: OrderedDict[PersonRef, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, ref: PersonRef) -> bool:
        now = time.monotonic()
        with self._lock:
            if now < self._asked.get(ref, 0):
                return False
            self._asked[ref] = now + NOT_AGAIN
            self._asked.move_to_end(ref)
            if len(self._asked) > MAX_REMEMBERED:
                self._asked.popitem(last=False)
        return True


_lately = _Lately()


def want(people: Iterable[PersonRef]) -> None:
    """Have people looked up of whom nothing is known. For pages: it only sends a message, and the same one seldom."""
    new = [
        (str(bot_id), open_id) for bot_id, open_id in people if open_id and _lately.is_new((bot_id, open_id))
    ]
    if new:
        notify("bots.note_people", new[:MAX_WANTED])


def note(people: Iterable[PersonRef]) -> None:
    """Write down that these people are to be looked up, but for those of whom the platform was heard lately."""
    now = timezone.now()
    wanted = {(bot_id, open_id) for bot_id, open_id in people if 0 < len(open_id) <= MAX_ID}
    bots = Bot.objects.in_bulk({bot_id for bot_id, _ in wanted})
    for bot in bots.values():
        open_ids = sorted(open_id for bot_id, open_id in wanted if bot_id == bot.pk)
        Person.objects.bulk_create(
            [Person(bot=bot, open_id=open_id, look_up_at=now) for open_id in open_ids], ignore_conflicts=True
        )
        Person.objects.filter(
            bot=bot, open_id__in=open_ids, look_up_at=None, updated_at__lt=now - FRESH
        ).update(look_up_at=now)
        PeopleLookup.objects.bulk_create([PeopleLookup(bot=bot)], ignore_conflicts=True)
        if PeopleLookup.objects.filter(pk=bot.pk, next_at=None).update(next_at=now):
            notify("bots.look_up_people", str(bot.pk))


def due_bots() -> list[UUID]:
    """Bots whose people are to be looked up now."""
    due = PeopleLookup.objects.filter(next_at__lte=timezone.now(), bot__in=Bot.objects.enabled())
    return list(due.order_by("next_at").values_list("pk", flat=True)[:MAX_BOTS])


def look_up(bot_id: UUID, *, transport: Transport | None = None) -> None:
    """Ask the platform who a bot's people are. A failure is kept, and says when the next attempt is."""
    bot = Bot.objects.enabled().filter(pk=bot_id).first()
    now = timezone.now()
    mine = PeopleLookup.objects.filter(pk=bot_id)
    if bot is None or not mine.filter(next_at__lte=now).update(next_at=now + CLAIM):
        return
    try:
        is_all = _ask_for_all(bot, Directory(OpenAPI(bot.credentials, transport), timeout=SECONDS))
    except (FeishuError, SealedValueError) as error:
        _note_failure(bot, error)
        return
    mine.update(next_at=None if is_all else timezone.now(), failures=0, code=None, reason="", failed_at=None)


def _ask_for_all(bot: Bot, directory: Directory) -> bool:
    """True when nobody is left to be asked for. Raises FeishuError, with what was learned before stored."""
    for _batch in range(BATCHES):
        due = Person.objects.filter(bot=bot, look_up_at__lte=timezone.now()).order_by("look_up_at")
        open_ids = list(due.values_list("open_id", flat=True)[:MAX_PEOPLE])
        if not open_ids:
            return True
        give_back(before_waiting=True)
        remember(bot, _answers(directory, open_ids))
    return False


def _answers(directory: Directory, open_ids: list[str]) -> list[Profile]:
    """A profile for each, an empty one for people of whom the platform says nothing."""
    nothing = {open_id: Profile(open_id) for open_id in open_ids}
    try:
        with LOOK_UPS.kept():
            said = directory.people(open_ids)
    except APIError as error:
        if error.code not in ABOUT_ID:
            raise
        if len(open_ids) == 1:
            return list(nothing.values())
        # One id that the platform does not know spoils the answer about all of them.
        half = len(open_ids) // 2
        return [*_answers(directory, open_ids[:half]), *_answers(directory, open_ids[half:])]
    known = {profile.open_id: profile for profile in said if profile.open_id in nothing}
    return list((nothing | known).values())


def _note_failure(bot: Bot, error: FeishuError | SealedValueError) -> None:
    state = PeopleLookup.objects.get(pk=bot.pk)
    pause = REFUSED if isinstance(error, MissingScope) else AGAIN.pause_after(state.failures + 1)
    state.failures = min(state.failures + 1, 1000)
    state.failed_at = timezone.now()
    state.next_at = state.failed_at + pause
    state.code = error.code if isinstance(error, FeishuError) else None
    state.reason = Reason.SEALED if isinstance(error, SealedValueError) else storable(error.reason or "", 20)
    state.save()
    logger.warning(
        "people_not_looked_up",
        extra={"app_id": bot.app_id, "platform_code": state.code, "reason": state.reason},
    )

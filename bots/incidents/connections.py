"""Bots that receive no events, or not all of theirs, as incidents."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections import advice
from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import Detector, Problem, register
from bots.models import Bot, ConnectionSlot, PlatformCount
from feishu.categories import Category
from feishu.codes import CodeInfo

_NEED_A_PERSON: Final = frozenset({Category.CONFIGURATION, Category.WRONG_BRAND})


def _explain_outage(details: Details) -> CodeInfo:
    return advice.explain_error(details.code, details.reason) or advice.NOT_HELD


def _explain_foreign(details: Details) -> CodeInfo:
    online, _slash, held = details.message.partition("/")
    return advice.foreign(online=int(online or 0), held=int(held or 0))


CONFIGURATION: Final = Cause(
    name="configuration",
    label=_("Wrong configuration"),
    headline=_("%(subject)s cannot connect: the configuration is wrong"),
    explain=_explain_outage,
)
NOT_CONNECTED: Final = Cause(
    name="not_connected",
    label=_("Not connected"),
    headline=_("%(subject)s is not connected and receives no events"),
    explain=_explain_outage,
)
FOREIGN: Final = Cause(
    name="foreign",
    label=_("Foreign connection"),
    headline=_("Somebody else receives events of %(subject)s"),
    explain=_explain_foreign,
    is_severe=False,
)


def find_problems() -> Iterator[Problem]:
    """Bots without a connection for longer than settings.ALERT_SECONDS, and bots with connections of other programs."""
    yield from _unconnected()
    for count in (
        PlatformCount.objects.foreign().filter(bot__in=Bot.objects.listening()).select_related("bot")
    ):
        began_at = count.looked_at or timezone.now()
        yield Problem(count.bot, FOREIGN, began_at, Details(message=f"{count.online}/{count.held}"))


def _unconnected() -> Iterator[Problem]:
    connected = ConnectionSlot.objects.hearing().filter(bot=OuterRef("pk"))
    patience = timedelta(seconds=settings.ALERT_SECONDS)
    now = timezone.now()
    for bot in Bot.objects.listening().exclude(Exists(connected)).prefetch_related("slots"):
        slots = list(bot.slots.all())
        # Whoever has just changed the bot is looking at it, and deserves to see whether that helped.
        since = max(bot.updated_at, *(_down_since(slot) or bot.updated_at for slot in slots))
        if now - since >= patience:
            yield _explained(bot, slots, since)


def _down_since(slot: ConnectionSlot) -> datetime | None:
    """A process that died leaves a row that reads as connected, but for its lease."""
    return slot.down_since or slot.lease_until or slot.state_changed_at


def _explained(bot: Bot, slots: list[ConnectionSlot], since: datetime) -> Problem:
    slot, info = next(((slot, slot.problem) for slot in slots if slot.problem), (None, None))
    if slot is None or info is None:
        return Problem(bot, NOT_CONNECTED, since)
    cause = CONFIGURATION if info.category in _NEED_A_PERSON else NOT_CONNECTED
    return Problem(bot, cause, since, Details(slot.error_code, slot.error_reason, slot.error_message))


def _listening() -> Iterable[UUID]:
    return Bot.objects.listening().values_list("pk", flat=True)


register(Detector(causes=(CONFIGURATION, NOT_CONNECTED, FOREIGN), find=find_problems, monitored=_listening))

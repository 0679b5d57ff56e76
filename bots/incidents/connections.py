"""Bots that receive no events, or not all of theirs, as incidents."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections import advice
from bots.connections.processes import peers
from bots.connections.status import BotStatus, statuses, unconnected_bots
from bots.incidents import fleet
from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import DetectedProblem, Detector, register
from bots.models import Bot, Incident, PlatformCount
from core.access.models import User
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
    fact="connection",
    kinds_by_code=True,
)
NOT_CONNECTED: Final = Cause(
    name="not_connected",
    label=_("Not connected"),
    headline=_("%(subject)s is not connected and receives no events"),
    explain=_explain_outage,
    fact="connection",
)
FOREIGN: Final = Cause(
    name="foreign",
    label=_("Foreign connection"),
    headline=_("Somebody else receives events of %(subject)s"),
    explain=_explain_foreign,
    is_severe=False,
)


ALIVE_SECONDS: Final = 60.0
"""A process that was not seen for so long is gone."""


def find_problems() -> Iterator[DetectedProblem]:
    """Bots without a connection for longer than settings.ALERT_SECONDS, and bots with connections of other programs. Where no
    process holds any, that is one problem, of the fleet, and no new one of each."""
    unconnected = list(_unconnected())
    is_fleet_away = bool(unconnected) and (fleet.is_open() or not peers(seconds=ALIVE_SECONDS))
    if is_fleet_away and has_reachable_administrator():
        # Those that had a problem of their own before keep it. Others get theirs when the fleet is back for good.
        known = set(Incident.objects.open().exclude(bot=None).values_list("bot", "cause"))
        unconnected = [one for one in unconnected if (one.subject.pk, one.cause.name) in known]
    yield from unconnected
    for count in (
        PlatformCount.objects.foreign().filter(bot__in=Bot.objects.listening()).select_related("bot")
    ):
        began_at = count.checked_at or timezone.now()
        yield DetectedProblem(count.bot, FOREIGN, began_at, Details(message=f"{count.online}/{count.held}"))


def has_reachable_administrator() -> bool:
    """Without one, the owners of each bot are who can be told."""
    superusers = User.objects.filter(is_active=True, is_superuser=True)
    return superusers.exclude(email="", feishu_address="").exists()


def _unconnected() -> Iterator[DetectedProblem]:
    patience = timedelta(seconds=settings.ALERT_SECONDS)
    now = timezone.now()
    for status in statuses(list(unconnected_bots())):
        bot = status.bot
        began_at = max((slot.down_since or bot.updated_at for slot in status.slots), default=bot.updated_at)
        # Whoever has just changed the bot is looking at it, and deserves to see whether that helped.
        if now - max(began_at, bot.updated_at) < patience or status.connected_count:
            continue
        cause, details = outage(status)
        yield DetectedProblem(bot, cause, began_at, details)


def outage(status: BotStatus) -> tuple[Cause, Details]:
    """Why a bot has no connection, as far as is known."""
    slot = status.troubled
    if slot is None or slot.problem is None:
        return NOT_CONNECTED, Details()
    row = slot.row
    cause = CONFIGURATION if slot.problem.category in _NEED_A_PERSON else NOT_CONNECTED
    return cause, Details(row.error_code, row.error_reason, row.error_message)


def _listening() -> Iterable[UUID]:
    return Bot.objects.listening().values_list("pk", flat=True)


register(Detector(causes=(CONFIGURATION, NOT_CONNECTED, FOREIGN), find=find_problems, monitored=_listening))

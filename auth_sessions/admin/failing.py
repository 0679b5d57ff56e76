"""Bots whose authorizations fail: a burst of failures, or a share of them that people's own mistakes do not explain."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import AuthSession
from bots.incidents.repairs import repair_of_bot
from bots.models import Bot
from core.access.models import User
from core.console.overview import MAX_PROBLEMS, Problem, Repair, Severity, list_link
from core.console.sentences import cause_and_cure
from core.database.counts import BoundedCount
from feishu.codes import explain

if TYPE_CHECKING:
    from uuid import UUID

DAY: Final = timedelta(hours=24)
FEW: Final = 3
"""Fewer failures of a bot in a day are not worth a person's time."""
SHARE: Final = 0.25
"""Of the authorizations of a day that ended; from here on they are, though others still work."""
MAX_READ: Final = 1_000
"""Requests of the day that are looked at; with more failures, the numbers are lower bounds."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One request that failed."""

    at: datetime
    reason: str
    code: int | None
    error_reason: str


def failing_bots(user: User) -> Iterator[Problem]:
    """One row a bot. Two queries; one where too little failed."""
    since = timezone.now() - DAY
    own = AuthSession.objects.visible_to(user).filter(created_at__gte=since)
    columns = ("bot", "created_at", "reason", "error_code", "error_reason")
    read = list(
        own.filter(state=SessionState.FAILED).order_by("-created_at").values_list(*columns)[: MAX_READ + 1]
    )
    failures: dict[UUID, list[Failed]] = defaultdict(list)
    for bot_id, *facts in read[:MAX_READ]:
        failures[bot_id].append(Failed(*facts))
    suspects = [bot_id for bot_id, found in failures.items() if len(found) >= FEW][:MAX_PROBLEMS]
    if not suspects:
        return
    successes: dict[UUID, list[datetime]] = defaultdict(list)
    authorized = own.filter(bot__in=suspects, state=SessionState.AUTHORIZED).order_by("-created_at")
    for bot_id, at in authorized.values_list("bot", "created_at")[:MAX_READ]:
        successes[bot_id].append(at)
    for bot in Bot.objects.filter(pk__in=suspects, enabled=True).order_by("name", "pk"):
        if _is_worth_a_row(failures[bot.pk], successes[bot.pk]):
            yield _problem(bot, failures[bot.pk], successes[bot.pk], is_more=len(read) > MAX_READ)


def _is_worth_a_row(failed: list[Failed], authorized: list[datetime]) -> bool:
    last = max(authorized, default=None)
    burst = sum(last is None or one.at > last for one in failed)
    return burst >= FEW or len(failed) >= SHARE * (len(failed) + len(authorized))


def _problem(bot: Bot, failed: list[Failed], authorized: list[datetime], *, is_more: bool) -> Problem:
    [(worst, often)] = Counter((one.reason, one.code, one.error_reason) for one in failed).most_common(1)
    reason, code, error_reason = worst
    info = explain(code, error_reason) if code is not None or error_reason else None
    link = list_link(
        "auth_sessions_authsession", state__exact=SessionState.FAILED, bot__id__exact=str(bot.pk)
    )
    count = BoundedCount(len(failed), is_more=is_more)
    sentence = ngettext(
        "%(count)s authorization of “%(bot)s” failed within a day",
        "%(count)s authorizations of “%(bot)s” failed within a day",
        count.count,
    )
    label = str(FailureReason(reason).label) if reason in FailureReason else gettext("unknown")
    text = gettext("%(often)d times: %(reason)s.") % {"often": often, "reason": label}
    first = min(one.at for one in failed)
    repair = repair_of_bot(bot.pk, info, reason=error_reason)
    if info is None or repair.is_post:  # connecting again would change nothing
        repair = Repair(_("Show requests"), link)
    return Problem(
        key=f"sessions:{bot.pk}",
        cause=f"{reason}:{code or error_reason}",
        severity=Severity.ATTENTION if authorized else Severity.FAILING,
        subject=bot.name,
        sentence=sentence % {"count": count, "bot": bot.name},
        link=link,
        repair=repair,
        text=f"{text} {cause_and_cure(info)}" if info else text,
        since=max((at for at in authorized if at < first), default=first),
        bot=bot,
    )

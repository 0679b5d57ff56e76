"""What is wrong with an operator's bots: their incidents, connections that are down, and what is not set up."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.connections.status import BotStatus, ConnectionHealth, statuses, unconnected_bots
from bots.doctor.checklist import OpenBot, bots_with_open_rows
from bots.doctor.findings import TITLES, Check
from bots.enums import CheckResult
from bots.incidents import clocks, connections, fleet
from bots.incidents.repairs import (
    CHANGE_BOT,
    Presentation,
    checklist_of,
    page_of,
    page_of_subject,
    present,
    problem_of,
    repair_of_bot,
)
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import MAX_PROBLEMS, Problem, Repair, Severity, list_link
from core.console.sentences import cause_and_cure, in_language
from core.database.counts import BoundedCount
from feishu.codes import explain

MANY_DOWN: Final = 10
"""More bots without a connection are one problem: what they have in common is what a person has to look for."""
MAX_NAMED: Final = 3
"""Checks of a bot that are named."""
_OF_CONNECTION: Final = frozenset(
    {Check.APP_SECRET, Check.CREDENTIALS, Check.LONG_CONNECTION, Check.CONNECTIONS}
)
"""Checks that say what the connection says already, where that is down."""
_OF_CONSENT: Final = frozenset({Check.REDIRECT_URL, Check.USER_SCOPES, Check.AVAILABILITY, Check.CONSENT})
"""Checks without which the consent page ends with 20029, 20027 or 20010, of which the platform notifies nobody."""


def problems(user: User, *, unconnected: BoundedCount, bots: BoundedCount) -> Iterator[Problem]:
    """Of equal severity the oldest first. ``unconnected``: how many of the operator's ``bots`` are."""
    down = statuses(list(_unconnected(user))) if unconnected.count else []
    incidents = _incidents(user, down)
    has_fleet = not any(incident.cause == fleet.NO_FLEET.name for incident in incidents)
    yield from (problem_of(one) for one in incidents if one.cause not in CONNECTION_CAUSES)
    if unconnected.count > MANY_DOWN and has_fleet:
        yield _many_down(user, down, unconnected, bots)
    else:
        known = {one.bot_id: one for one in incidents if one.cause in CONNECTION_CAUSES}
        # While no process holds connections, that is the problem, and none of each bot that has no other.
        shown = [status for status in down if has_fleet or status.bot.pk in known]
        for status in sorted(shown, key=_age):
            yield _bot_down(status, known.get(status.bot.pk), bots, shown)
    troubled = {status.bot.pk for status in down}
    yield from _not_set_up(bots_with_open_rows(user, MAX_PROBLEMS), troubled)


def _unconnected(user: User) -> QuerySet[Bot]:
    return unconnected_bots().visible_to(user).order_by("name", "pk")[: MANY_DOWN + 1]


def _incidents(user: User, down: Sequence[BotStatus]) -> list[Incident]:
    """Those about connections only of these bots."""
    relevant = ~Q(cause__in=CONNECTION_CAUSES) | Q(bot__in=[status.bot.pk for status in down])
    ongoing = Incident.objects.visible_to(user).ongoing().filter(relevant)
    return list(ongoing.select_related("bot").order_by("pk")[:MAX_PROBLEMS])


# --- connections


def _age(status: BotStatus) -> datetime:
    return status.since or timezone.now()


def _bot_down(
    status: BotStatus, incident: Incident | None, bots: BoundedCount, down: Sequence[BotStatus]
) -> Problem:
    """``down``: all that are listed, for the first line."""
    bot, diagnosis, slot = status.bot, status.diagnosis(), status.troubled
    is_first = status.health is ConnectionHealth.CONNECTING
    cause, details = connections.outage(status)
    since = status.since or (incident.began_at if incident else None)
    return Problem(
        key=cause.key_of(bot.pk),
        cause=cause.kind(details),
        severity=Severity.ATTENTION if is_first else Severity.FAILING,
        subject=bot.name,
        sentence=_connecting(bot) if is_first else _deaf(bot),
        link=reverse("admin:bots_incident_change", args=[incident.pk]) if incident else page_of(bot.pk),
        repair=repair_of_bot(bot.pk, slot.problem if slot else None, reason=details.reason),
        text=cause_and_cure(diagnosis.info) if diagnosis else "",
        since=since,
        bot=bot,
        together=None if is_first else lambda count: _deaf_bots(BoundedCount(count), bots, down),
    )


def _connecting(bot: Bot) -> str:
    return gettext("“%(bot)s” is being connected") % {"bot": bot.name}


def _deaf(bot: Bot) -> str:
    return gettext("“%(bot)s” receives no events") % {"bot": bot.name}


def _many_down(user: User, down: Sequence[BotStatus], count: BoundedCount, bots: BoundedCount) -> Problem:
    infos = [diagnosis.info for status in down if (diagnosis := status.diagnosis())]
    commonest = max(infos, key=infos.count, default=None)
    link = list_link("bots_bot", connected="no")
    return Problem(
        key=f"connections:{user.pk}",
        cause=connections.NOT_CONNECTED.name,
        severity=Severity.DOWN,
        subject=gettext("%(count)s bots") % {"count": count},
        sentence=_deaf_bots(count, bots, down),
        link=link,
        repair=Repair(_("Show bots"), link),
        text=cause_and_cure(commonest) if commonest else "",
        scale=gettext("%(count)s bots") % {"count": count},
        since=min(filter(None, (status.since for status in down)), default=None),
        is_silenceable=False,
    )


def _deaf_bots(count: BoundedCount, bots: BoundedCount, down: Sequence[BotStatus]) -> str:
    """How many bots hear nothing, and for how long: since the last good state, not since the last attempt."""
    since = min(filter(None, (status.since for status in down)), default=None)
    counts = {"count": count, "total": bots, "age": timesince(since, depth=1) if since else ""}
    if since is None or since > timezone.now():
        text = ngettext(
            "%(count)s of %(total)s bots receives no events",
            "%(count)s of %(total)s bots receive no events",
            count.count,
        )
    else:
        text = ngettext(
            "%(count)s of %(total)s bots has received no events for %(age)s",
            "%(count)s of %(total)s bots have received no events for %(age)s",
            count.count,
        )
    return text % counts


# --- what is not set up


def _not_set_up(found: Sequence[OpenBot], troubled: Collection[object]) -> Iterator[Problem]:
    for one in found:
        results: Mapping[Check, CheckResult] = one.results
        if one.bot.pk in troubled:
            results = {
                check: result
                for check, result in one.results.items()
                # Where the platform refuses the app, nothing else could be found out.
                if check not in _OF_CONNECTION and result in {CheckResult.WRONG, CheckResult.WARNING}
            }
        if results:
            yield _set_up(one, results)


def _set_up(one: OpenBot, results: Mapping[Check, CheckResult]) -> Problem:
    bot, checks = one.bot, list(results)
    wrong = {check for check, result in results.items() if result is CheckResult.WRONG}
    is_closed = bool(wrong & _OF_CONSENT)
    sentence = (
        gettext("Nobody can authorize “%(bot)s”")
        if is_closed
        else gettext("“%(bot)s” is not set up completely")
    )
    count = ngettext("%(count)d thing to set right", "%(count)d things to set right", len(checks))
    is_known = any(result in {CheckResult.WRONG, CheckResult.WARNING} for result in results.values())
    again = Repair(_("Check again"), page_of(bot.pk, "check_again"), CHANGE_BOT, is_post=True)
    return Problem(
        key=f"setup:{bot.pk}",
        cause=",".join(sorted(wrong)) or "unknown",
        severity=Severity.FAILING if is_closed else Severity.ATTENTION,
        subject=bot.name,
        sentence=sentence % {"bot": bot.name},
        link=f"{page_of(bot.pk)}#checklist",
        repair=checklist_of(bot.pk) if is_known else again,
        text=_named(sorted(checks, key=lambda check: check not in wrong & _OF_CONSENT)),
        scale=count % {"count": len(checks)},
        since=one.since,
        bot=bot,
    )


def _named(checks: Sequence[Check]) -> str:
    named = gettext(", ").join(in_language(TITLES[check]) for check in checks[:MAX_NAMED])
    return gettext("%(names)s and others") % {"names": named} if len(checks) > MAX_NAMED else named


# --- incidents


def _outage_repair(incident: Incident) -> Repair:
    return repair_of_bot(
        incident.affected_id, explain(incident.code, incident.reason), reason=incident.reason
    )


CONNECTION_CAUSES: Final = frozenset({connections.CONFIGURATION.name, connections.NOT_CONNECTED.name})

present(
    (connections.CONFIGURATION, connections.NOT_CONNECTED),
    Presentation(_outage_repair),
)
present((connections.FOREIGN,), Presentation(lambda incident: checklist_of(incident.affected_id)))
present(
    (clocks.CLOCK,),
    Presentation(
        lambda incident: Repair(_("Show connections"), page_of_subject(incident)), Severity.ATTENTION
    ),
)
present(
    fleet.CAUSES.values(),
    Presentation(lambda incident: Repair(_("Show processes"), page_of_subject(incident)), Severity.DOWN),
)

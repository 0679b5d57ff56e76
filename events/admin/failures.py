"""What is wrong with the events of the past day: handlers that fail, receivers that take none, what cannot be read."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from bots.incidents.repairs import Presentation, present
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import MAX_PROBLEMS, Problem, Repair, Severity, from_overview, list_link
from core.vault.redaction import redact_text
from events.enums import DeliveryStatus, EventStatus, RunStatus, SubscriptionKind, SubscriptionState
from events.ingress.incidents import UNREADABLE
from events.log.fingerprints import last_line
from events.log.sentences import shown
from events.models import Delivery, Event, HandlerRun, Subscription
from events.subscriptions.incidents import DELIVERIES

DAY: Final = timedelta(hours=24)
STOPPED: Final = (SubscriptionState.FAILING, SubscriptionState.GONE)
MAX_READ: Final = 1_000
"""Failed events, undelivered ones and unreadable ones that are sorted, the newest of each."""
MAX_SUBSCRIPTIONS: Final = 200
"""Whose deliveries are looked at."""
MAX_ERROR: Final = 200
"""Characters of an error in the list."""
REPLAY: Final = "events.add_replayjob"
CHANGE_SUBSCRIPTION: Final = "events.change_subscription"


@dataclass(frozen=True, slots=True)
class Failures:
    """The past day's ``events`` of an operator's bots, the oldest of which has the key ``first``; how many of them failed, and
    how many could not be read."""

    events: QuerySet[Event]
    first: int | None
    failed: int
    quarantined: int


@dataclass(slots=True)
class _Group:
    """Failures of a kind: their events and bots, and the newest of them."""

    newest: int
    since: datetime
    events: set[int] = field(default_factory=set)
    bots: set[UUID] = field(default_factory=set)

    def add(self, event: int, bot: UUID, at: datetime) -> None:
        self.events.add(event)
        self.bots.add(bot)
        self.since = min(self.since, at)

    @property
    def scale(self) -> str:
        """Which bots' events these are, where it is more than one."""
        if len(self.bots) < 2:
            return ""
        return ngettext("%(count)d bot", "%(count)d bots", len(self.bots)) % {"count": len(self.bots)}


def problems(user: User, day: Failures) -> Iterator[Problem]:
    yield from _stopped(user)
    if day.failed:
        yield from _failed(user, day)
    if day.first is not None:
        yield from _undelivered(user, day.first)
    if day.quarantined:
        yield from _unreadable(day.events)


# --- handlers


def _failed(user: User, day: Failures) -> Iterator[Problem]:
    """By handler and kind of error, so that a thousand failures read as three. The most frequent first."""
    pks = list(
        day.events.filter(status=EventStatus.DEAD).order_by("-pk").values_list("pk", flat=True)[:MAX_READ]
    )
    largest = sorted(_dead_runs(pks).items(), key=lambda item: -len(item[1].events))[:MAX_PROBLEMS]
    errors = HandlerRun.objects.only("error").in_bulk([group.newest for _key, group in largest])
    together = _of_handlers(day.failed, {handler for (handler, _kind), _group in largest})
    for key, group in largest:
        error = last_line(errors[group.newest].error) if group.newest in errors else ""
        yield _failing_handler(user, key, group, error=error, together=together)
    explained = {event for _key, group in largest for event in group.events}
    if day.failed > len(explained):
        yield _other_failures(user, day.failed - len(explained))


def _dead_runs(events: list[int]) -> dict[tuple[str, str], _Group]:
    """By handler and fingerprint."""
    dead = HandlerRun.objects.filter(event__in=events, status=RunStatus.DEAD, is_current=True)
    rows = dead.order_by("-pk").values_list(
        "handler", "fingerprint", "pk", "event_id", "bot_id", "event__received_at"
    )
    groups: dict[tuple[str, str], _Group] = {}
    for handler, kind, pk, event, bot, at in rows:
        groups.setdefault((handler, kind), _Group(pk, at)).add(event, bot, at)
    return groups


def _failing_handler(
    user: User, group_key: tuple[str, str], group: _Group, *, error: str, together: str
) -> Problem:
    handler, kind = group_key
    count = len(group.events)
    query = {"since": "24h", "handler": handler} | ({"kind": kind} if kind else {})
    sentence = _in_handler(count, handler)
    return Problem(
        # What an operator silences are the failures of the own bots.
        key=f"handler:{user.pk}:{handler}:{kind}",
        cause="dead",
        severity=Severity.FAILING,
        subject=handler,
        sentence=sentence,
        link=list_link("events_event", **query),
        repair=_replay(count, query),
        text=_in_short(error),
        scale=group.scale,
        since=group.since,
        together=lambda listed: together if listed > 1 else sentence,
    )


def _of_handlers(failed: int, handlers: set[str]) -> str:
    if len(handlers) == 1:
        return _in_handler(failed, *handlers)
    text = gettext("%(count)d events of %(handlers)d handlers failed")
    return text % {"count": failed, "handlers": len(handlers)}


def _in_handler(count: int, handler: str) -> str:
    text = ngettext(
        "%(count)d event failed in “%(handler)s”", "%(count)d events failed in “%(handler)s”", count
    )
    return text % {"count": count, "handler": handler}


def _other_failures(user: User, count: int) -> Problem:
    """Beyond those that were sorted."""
    text = ngettext(
        "%(count)d event failed in the past 24 hours",
        "%(count)d events failed in the past 24 hours",
        count,
    )
    query = {"since": "24h", "status__exact": EventStatus.DEAD.value}
    return Problem(
        key=f"failed:{user.pk}",
        cause="dead",
        severity=Severity.FAILING,
        subject=gettext("Events"),
        sentence=text % {"count": count},
        link=list_link("events_event", **query),
        repair=_replay(count, query),
    )


def _replay(count: int, query: dict[str, str]) -> Repair:
    """The page that asks before it replays."""
    link = f"{reverse('admin:events_event_replay_matching')}?{urlencode(query)}"
    return Repair(gettext("Replay %(count)d") % {"count": count}, link, REPLAY)


# --- receivers


def _stopped(user: User) -> Iterator[Problem]:
    stopped = Subscription.objects.visible_to(user).filter(state__in=STOPPED).order_by("state_since", "pk")
    for row in stopped[:MAX_PROBLEMS]:
        error = _in_short(row.last_error)
        state = str(SubscriptionState(row.state).label)
        yield Problem(
            key=DELIVERIES.key_of(row.pk),
            cause=DELIVERIES.name,
            severity=Severity.FAILING,
            subject=row.name,
            sentence=gettext("The subscription “%(name)s” gets no events") % {"name": row.name},
            link=reverse("admin:events_subscription_change", args=[row.pk]),
            repair=_resume(row.pk),
            text=f"{state} · {error}" if error else state,
            since=row.state_since,
        )


def _resume(subscription: UUID) -> Repair:
    address = reverse("admin:events_subscription_resume", args=[subscription])
    return Repair(
        pgettext_lazy("subscription", "Resume"), from_overview(address), CHANGE_SUBSCRIPTION, is_post=True
    )


def _undelivered(user: User, first: int) -> Iterator[Problem]:
    """By subscription, of what arrived since the event ``first``."""
    visible = Subscription.objects.visible_to(user).order_by("name", "pk")
    subscriptions = {
        pk: (name, kind) for pk, name, kind in visible.values_list("pk", "name", "kind")[:MAX_SUBSCRIPTIONS]
    }
    if not subscriptions:
        return
    dead = Delivery.objects.filter(
        subscription__in=subscriptions, event__gte=first, status=DeliveryStatus.DEAD, is_current=True
    )
    rows = dead.order_by().values_list("subscription_id", "pk", "event_id", "bot_id", "event__received_at")
    groups: dict[UUID, _Group] = {}
    for subscription, pk, event, bot, at in rows[:MAX_READ]:
        group = groups.setdefault(subscription, _Group(pk, at))
        group.newest = max(group.newest, pk)
        group.add(event, bot, at)
    errors = Delivery.objects.only("error").in_bulk([group.newest for group in groups.values()])
    for subscription in list(groups)[:MAX_PROBLEMS]:
        name, kind = subscriptions[subscription]
        group = groups[subscription]
        query = {"since": "24h", "subscription": str(subscription)}
        text = ngettext(
            "%(count)d event was not delivered to “%(name)s”",
            "%(count)d events were not delivered to “%(name)s”",
            len(group.events),
        )
        link = list_link("events_event", **query)
        # A click is not replayed: its answer would come too late.
        is_click = kind == SubscriptionKind.ANSWER
        yield Problem(
            key=DELIVERIES.key_of(subscription),
            cause="undelivered",
            severity=Severity.FAILING,
            subject=name,
            sentence=text % {"count": len(group.events), "name": name},
            link=link,
            repair=Repair(_("Show events"), link) if is_click else _replay(len(group.events), query),
            text=_in_short(errors[group.newest].error) if group.newest in errors else "",
            scale=group.scale,
            since=group.since,
        )


# --- what cannot be read


def _unreadable(events: QuerySet[Event]) -> Iterator[Problem]:
    """By bot."""
    unreadable = events.filter(status=EventStatus.QUARANTINED).order_by("-pk")
    newest: dict[UUID, str] = {}
    since: dict[UUID, datetime] = {}
    counts: dict[UUID, int] = defaultdict(int)
    for bot_id, error, at in unreadable.values_list("bot", "error", "received_at")[:MAX_READ]:
        newest.setdefault(bot_id, error)
        since[bot_id] = min(since.get(bot_id, timezone.now()), at)
        counts[bot_id] += 1
    for bot in Bot.objects.filter(pk__in=list(counts)[:MAX_PROBLEMS]).order_by("name", "pk"):
        count = counts[bot.pk]
        text = ngettext(
            "%(count)d event of “%(bot)s” could not be read",
            "%(count)d events of “%(bot)s” could not be read",
            count,
        )
        repair = _show_unreadable(bot.pk)
        yield Problem(
            key=UNREADABLE.key_of(bot.pk),
            cause=UNREADABLE.name,
            severity=Severity.ATTENTION,
            subject=bot.name,
            sentence=text % {"count": count, "bot": bot.name},
            link=repair.link,
            repair=repair,
            text=_in_short(newest[bot.pk]),
            since=since[bot.pk],
            bot=bot,
        )


def _show_unreadable(bot: UUID) -> Repair:
    quarantined = EventStatus.QUARANTINED.value
    link = list_link("events_event", since="24h", status__exact=quarantined, bot__id__exact=str(bot))
    return Repair(_("Show events"), link)


def _in_short(error: str) -> str:
    return Truncator(shown(redact_text(error))).chars(MAX_ERROR)


def _resume_subject(incident: Incident) -> Repair:
    return _resume(incident.affected_id)


present((DELIVERIES,), Presentation(_resume_subject))
present(
    (UNREADABLE,),
    Presentation(lambda incident: _show_unreadable(incident.affected_id), Severity.ATTENTION),
)

"""What events bring to the overview: how many arrived and failed in the past day, and what failed lately.

None of the queries reads more than the newest ``NEWEST`` events: they speak for the day.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.models import own_bot_ids
from core.access.models import User
from core.console.overview import (
    MAX_ENTRIES,
    Card,
    Entry,
    Headline,
    Section,
    Severity,
    Standing,
    list_link,
    register,
)
from core.database.counts import BoundedCount
from core.vault.redaction import redact_text
from events.enums import EventStatus, SubscriptionState
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.search import arrived_since, newest
from events.log.sentences import shown
from events.models import Event, Subscription

NEWEST: Final = 10_000
DAY: Final = timedelta(hours=24)
FAILED: Final = (EventStatus.DEAD, EventStatus.QUARANTINED)
STOPPED: Final = (SubscriptionState.FAILING, SubscriptionState.GONE)


def standing(user: User) -> Standing:
    counts = arrived_since(timezone.now() - DAY, bots=own_bot_ids(user), most=NEWEST).aggregate(
        received=Count("pk"),
        failed=Count("pk", filter=Q(status=EventStatus.DEAD)),
        quarantined=Count("pk", filter=Q(status=EventStatus.QUARANTINED)),
    )
    failed_link = list_link("events_event", since="24h", status__exact=EventStatus.DEAD)
    quarantined_link = list_link("events_event", since="24h", status__exact=EventStatus.QUARANTINED)
    cards = [
        Card(
            "events",
            _("Received"),
            str(BoundedCount(counts["received"], is_more=counts["received"] >= NEWEST)),
            list_link("events_event", since="24h"),
        ),
        Card(
            "failed",
            _("Failed"),
            str(counts["failed"]),
            failed_link,
            tone="bad" if counts["failed"] else "",
        ),
        Card(
            "quarantined",
            _("Quarantined"),
            str(counts["quarantined"]),
            quarantined_link,
            tone="bad" if counts["quarantined"] else "",
        ),
    ]
    headlines = [*_stopped(user)]
    if failed := counts["failed"]:
        text = ngettext(
            "%(count)d event failed in the past 24 hours",
            "%(count)d events failed in the past 24 hours",
            failed,
        )
        headlines.append(Headline(Severity.FAILING, text % {"count": failed}, failed_link))
    if quarantined := counts["quarantined"]:
        text = ngettext(
            "%(count)d event of the past 24 hours could not be read",
            "%(count)d events of the past 24 hours could not be read",
            quarantined,
        )
        headlines.append(Headline(Severity.ATTENTION, text % {"count": quarantined}, quarantined_link))
    return Standing(cards, tuple(headlines))


def _stopped(user: User) -> Iterator[Headline]:
    stopped = Subscription.objects.visible_to(user).filter(state__in=STOPPED)
    for pk, name in stopped.order_by("state_since").values_list("pk", "name")[:MAX_ENTRIES]:
        sentence = gettext("The subscription “%(name)s” gets no events") % {"name": name}
        yield Headline(Severity.FAILING, sentence, reverse("admin:events_subscription_change", args=[pk]))


def problems(user: User) -> Iterator[Entry]:
    yield from _failed_events(user)
    yield from _stopped_subscriptions(user)


def _failed_events(user: User) -> Iterator[Entry]:
    criteria = EventCriteria(bots=own_bot_ids(user), statuses=FAILED)
    try:
        found = newest(criteria, limit=MAX_ENTRIES, scan_limit=NEWEST)
    except SearchTooSlowError:  # how many failed is on the cards
        return
    events = Event.objects.filter(pk__in=found.pks).select_related("bot").defer("payload")
    for event in events.order_by("-pk"):
        yield Entry(
            f"{event.bot.name} · {event.event_type or gettext('unknown')}",
            Truncator(shown(event.error)).chars(200) or str(EventStatus(event.status).label),
            reverse("admin:events_event_change", args=[event.pk]),
            kind=_("Event"),
            at=event.received_at,
        )


def _stopped_subscriptions(user: User) -> Iterator[Entry]:
    rows = Subscription.objects.visible_to(user).filter(state__in=STOPPED).order_by("-state_since")
    for row in rows[:MAX_ENTRIES]:
        yield Entry(
            row.name,
            f"{SubscriptionState(row.state).label} · {shown(redact_text(row.last_error))}",
            reverse("admin:events_subscription_change", args=[row.pk]),
            kind=_("Subscription"),
            at=row.state_since,
        )


register(Section(title=_("Events in the past 24 hours"), standing=standing, problems=problems))

"""What events bring to the overview: how many arrived and failed in the past day, and what is wrong with them."""

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import own_bot_ids
from core.access.models import User
from core.console.overview import Card, Section, SectionState, list_link, register
from core.database.counts import BoundedCount
from events.admin.failures import DAY, Failures, problems
from events.enums import EventStatus
from events.log.search import arrived_since

NEWEST = 10_000
"""Events that are looked at, the newest: they speak for the day."""


def state(user: User) -> SectionState:
    events = arrived_since(timezone.now() - DAY, bots=own_bot_ids(user), most=NEWEST)
    counts = events.aggregate(
        first=Min("pk"),
        received=Count("pk"),
        failed=Count("pk", filter=Q(status=EventStatus.DEAD)),
        quarantined=Count("pk", filter=Q(status=EventStatus.QUARANTINED)),
    )
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
            list_link("events_event", since="24h", status__exact=EventStatus.DEAD),
            tone="bad" if counts["failed"] else "",
        ),
        Card(
            "quarantined",
            _("Quarantined"),
            str(counts["quarantined"]),
            list_link("events_event", since="24h", status__exact=EventStatus.QUARANTINED),
            tone="bad" if counts["quarantined"] else "",
        ),
    ]
    failures = Failures(events, counts["first"], counts["failed"], counts["quarantined"])
    return SectionState(cards, tuple(problems(user, failures)))


register(Section(title=_("Events in the past 24 hours"), state=state))

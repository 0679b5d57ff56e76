"""What bots bring to the overview: how many are connected, what needs a person, and which are not connected."""

from collections.abc import Iterator

from django.db.models import Min
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bots.connections.status import connected_bots, statuses, unconnected_bots
from bots.incidents.causes import cause_named
from bots.models import Bot, ConnectionSlot, Incident
from core.access.models import User
from core.console.overview import (
    MAX_ENTRIES,
    Card,
    Entry,
    Headline,
    Panel,
    Section,
    Severity,
    Standing,
    list_link,
    register,
)
from core.console.paging import MAX_COUNT
from core.console.sentences import cause_and_cure
from core.database.counts import BoundedCount, count_up_to


def standing(user: User) -> Standing:
    bots = count_up_to(Bot.objects.visible_to(user), MAX_COUNT)
    connected = count_up_to(connected_bots().visible_to(user), MAX_COUNT)
    unconnected = count_up_to(unconnected_bots().visible_to(user), MAX_COUNT)
    cards = [
        Card("bots", _("Bots"), str(bots), list_link("bots_bot")),
        Card(
            "connected",
            _("Connected"),
            str(connected),
            list_link("bots_bot", connected="yes"),
            tone="good" if connected.count else "",
        ),
        Card(
            "not-connected",
            _("Not connected"),
            str(unconnected),
            list_link("bots_bot", connected="no"),
            tone="bad" if unconnected.count else "",
        ),
    ]
    closed = Incident.objects.visible_to(user).filter(closed_at__isnull=False).order_by("-closed_at")
    return Standing(
        cards,
        tuple(_headlines(user, unconnected, bots)),
        last_problem_at=closed.values_list("closed_at", flat=True).first(),
    )


def _headlines(user: User, unconnected: BoundedCount, bots: BoundedCount) -> Iterator[Headline]:
    if unconnected.count:
        yield Headline(
            Severity.FAILING, _deaf(user, unconnected, bots), list_link("bots_bot", connected="no")
        )
    incidents = Incident.objects.visible_to(user).open().select_related("bot").order_by("pk")
    for incident in incidents[:MAX_ENTRIES]:
        link = reverse("admin:bots_incident_change", args=[incident.pk])
        yield Headline(Severity.FAILING, incident.headline, link)


def _deaf(user: User, unconnected: BoundedCount, bots: BoundedCount) -> str:
    """How many bots hear nothing, and for how long: since the last good state, not since the last attempt."""
    deaf = unconnected_bots().visible_to(user).order_by("pk")[: max(unconnected.count, 1)]
    slots = ConnectionSlot.objects.filter(bot__in=deaf.values("pk"))
    # A process that died leaves a row that says nothing of an end, but for its lease.
    since = slots.aggregate(since=Min(Coalesce("down_since", "lease_until")))["since"]
    counts = {"count": unconnected, "total": bots, "age": timesince(since, depth=1) if since else ""}
    if since is None or since > timezone.now():
        text = ngettext(
            "%(count)s of %(total)s bots receives no events",
            "%(count)s of %(total)s bots receive no events",
            unconnected.count,
        )
    else:
        text = ngettext(
            "%(count)s of %(total)s bots has received no events for %(age)s",
            "%(count)s of %(total)s bots have received no events for %(age)s",
            unconnected.count,
        )
    return text % counts


def open_incidents(user: User) -> list[Entry]:
    """The oldest first."""
    incidents = Incident.objects.visible_to(user).open().select_related("bot").order_by("pk")
    return [
        Entry(
            incident.headline,
            cause_and_cure(incident.explanation),
            reverse("admin:bots_incident_change", args=[incident.pk]),
            kind=cause_named(incident.cause).label,
            at=incident.began_at,
        )
        for incident in incidents[:MAX_ENTRIES]
    ]


def unconnected(user: User) -> list[Entry]:
    """Bots that should have connections and have none."""
    bots = unconnected_bots().visible_to(user).order_by("name", "pk")[:MAX_ENTRIES]
    return [
        Entry(
            status.bot.name,
            cause_and_cure(diagnosis.info) if (diagnosis := status.diagnosis()) else "",
            reverse("admin:bots_bot_change", args=[status.bot.pk]),
            kind=status.health.label,
        )
        for status in statuses(list(bots))
    ]


register(
    Section(
        title=_("Bots"),
        standing=standing,
        panels=(
            Panel("incidents", _("Needs attention"), open_incidents),
            Panel("unconnected", _("Connections that are down"), unconnected),
        ),
    )
)

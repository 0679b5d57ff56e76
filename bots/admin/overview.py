"""What bots bring to the overview: how many are connected, what needs a person, and which are not connected."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bots.connections.status import connected_bots, statuses, unconnected_bots
from bots.incidents.causes import cause_named
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import MAX_ENTRIES, Card, Entry, Panel, Section, list_link, register
from core.console.paging import MAX_COUNT
from core.console.sentences import cause_and_cure
from core.database.counts import count_up_to


def cards(user: User) -> list[Card]:
    bots = count_up_to(Bot.objects.visible_to(user), MAX_COUNT)
    connected = count_up_to(connected_bots().visible_to(user), MAX_COUNT)
    unconnected = count_up_to(unconnected_bots().visible_to(user), MAX_COUNT)
    return [
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
        cards=cards,
        panels=(
            Panel("incidents", _("Needs a person"), open_incidents),
            Panel("unconnected", _("Connections that are down"), unconnected),
        ),
    )
)

"""What bots bring to the overview: how many are connected, and what is wrong with them."""

from django.utils.translation import gettext_lazy as _

from bots.admin.problems import problems
from bots.connections.status import connected_bots, unconnected_bots
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import Card, Section, SectionState, list_link, register
from core.console.paging import MAX_COUNT
from core.database.counts import count_up_to


def state(user: User) -> SectionState:
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
    return SectionState(
        cards,
        tuple(problems(user, unconnected=unconnected, bots=bots)),
        last_problem_at=closed.values_list("closed_at", flat=True).first(),
    )


register(Section(title=_("Bots"), state=state))

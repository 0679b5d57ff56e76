"""The overview: how everything stands, numbers that link to their lists, what needs a person, and what went wrong lately.

Apps bring the parts (``core.console.overview``); here they are put together.
"""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.admin.setup_panel import headline, live_panel, open_bots
from bots.models import Bot
from core.access.models import User
from core.console.base import operator_of
from core.console.overview import Entry, sections
from core.installation.watch import watch
from events.models import Event
from feishu_portal.overview.verdict import live_verdict, verdict

MAX_PROBLEMS: Final = 10


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what ``templates/admin/index.html`` shows."""
    user = operator_of(request)
    context |= {"title": _("Overview")}
    if not Bot.objects.visible_to(user).exists():
        return context | {
            "is_fresh": True,
            "may_add": user.has_perm("bots.add_bot"),
            "public_url": settings.PUBLIC_URL,
            "sandbox_url": settings.SANDBOX_URL,
        }
    found = open_bots(user)
    standings = [(section.title, section.standing(user)) for section in sections()]
    now = verdict(
        (standing for _title, standing in standings),
        others=headline(found),
        is_passive=watch.last.is_passive,
    )
    return context | {
        "verdict": now,
        "live_verdict": live_verdict(now),
        "card_groups": [(title, standing.cards) for title, standing in standings],
        "panels": [
            (panel, entries)
            for section in sections()
            for panel in section.panels
            if (entries := panel.entries(user))
        ],
        "setup": live_panel(found),
        "problems": _newest_problems(user),
        "sandbox_url": _sandbox_to_try(user),
    }


def _sandbox_to_try(user: User) -> str:
    """Where the sandbox is, while no event has come yet."""
    return (
        settings.SANDBOX_URL if settings.SANDBOX_URL and not Event.objects.visible_to(user).exists() else ""
    )


def _newest_problems(user: User) -> list[Entry]:
    found = [problem for section in sections() for problem in section.problems(user)]
    return sorted(found, key=lambda problem: problem.at or timezone.now(), reverse=True)[:MAX_PROBLEMS]

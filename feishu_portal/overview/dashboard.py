"""The overview: how everything stands in one sentence, what is wrong, and numbers that link to their lists.

Apps bring the parts (``core.console.overview``); here they are put together.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.models import User
from core.console.base import operator_of
from core.console.overview import sections
from core.installation.watch import watch
from events.models import Event
from feishu_portal.overview.problems import live_list, sort
from feishu_portal.overview.verdict import live_verdict, verdict


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
    states = [(section.title, section.state(user)) for section in sections()]
    found = sort(state for _title, state in states)
    now = verdict(found, is_passive=watch.last.is_passive)
    return context | {
        "verdict": now,
        "live_verdict": live_verdict(now),
        "problems": live_list(found, user),
        "card_groups": [(title, state.cards) for title, state in states],
        "sandbox_url": _sandbox_to_try(user),
    }


def _sandbox_to_try(user: User) -> str:
    """Where the sandbox is, while no event has come yet."""
    return (
        settings.SANDBOX_URL if settings.SANDBOX_URL and not Event.objects.visible_to(user).exists() else ""
    )

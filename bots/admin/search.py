"""What bots bring to the search over everything: bots by name or App ID, and messages by where they went or their log ID."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bots.models import Bot, Sending
from core.access.models import User
from core.console.search import MAX_HITS, Hit, Source, is_log_id, register

RECENT: Final = 2000
"""Messages looked through for a log ID, which no index has."""


def find_bots(user: User, text: str) -> Iterator[Hit]:
    fits = Q(app_id__startswith=text) | Q(name__icontains=text)
    for bot in Bot.objects.visible_to(user).filter(fits).order_by("name")[:MAX_HITS]:
        yield Hit(bot.name, reverse("admin:bots_bot_change", args=[bot.pk]), bot.app_id)


def find_messages(user: User, text: str) -> Iterator[Hit]:
    rows = Sending.objects.visible_to(user).order_by("-pk")
    if is_log_id(text):
        recent = rows.values_list("pk", "log_id")[:RECENT]
        rows = rows.filter(pk__in=[pk for pk, log_id in recent if log_id == text])
    else:
        rows = rows.filter(target=text)
    for sending in rows.select_related("bot")[:MAX_HITS]:
        yield Hit(str(sending), reverse("admin:bots_sending_change", args=[sending.pk]), sending.bot.name)


register(Source(title=_("Bots"), icon="smart_toy", find=find_bots))
register(Source(title=_("Sent messages"), icon="outgoing_mail", find=find_messages))

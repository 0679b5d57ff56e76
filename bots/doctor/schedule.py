"""When the doctor looks at which bot: after every save, once a day, and when somebody asks.

Whoever notifies a worker claims the row for it. One whose worker died, or was never notified, is due again after a few minutes.
"""

import random
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bots.models import Bot, Checkup
from core.background.notify import notify
from core.background.spread import spread

INTERVAL: Final = timedelta(days=1)
"""Between two examinations of a bot, spread by a tenth so that they do not stay together."""
RETRY: Final = timedelta(minutes=15)
"""After an examination that did not reach the platform: sooner than the alert FeishuBotMisconfigured comes."""
FIRST: Final = timedelta(hours=1)
"""Within which bots that were never examined are."""
CLAIM: Final = timedelta(minutes=3)
"""For the worker that was notified; after that somebody else is."""
AGAIN: Final = timedelta(seconds=10)
"""Between two examinations that somebody asks for."""
MAX_BOTS: Final = 20
"""Examined, and observed, in one sweep."""
OBSERVE_EVERY: Final = timedelta(minutes=1)
WATCHED: Final = timedelta(hours=1)
"""For so long after a bot was added somebody waits for each row to turn green, and every sweep observes it."""


def examine_on_commit(bot: Bot) -> None:
    """Have a bot that was saved examined."""
    Checkup.objects.bulk_create(
        [Checkup(bot=bot, next_check_at=timezone.now() + CLAIM)],
        update_conflicts=True,
        unique_fields=["bot"],
        update_fields=["next_check_at"],
    )
    transaction.on_commit(partial(notify, "bots.examine", str(bot.pk)))


def examine_soon(bot: Bot) -> None:
    """Something new was seen of the bot: have it examined, unless that was done within the hour."""
    now = timezone.now()
    long_ago = Q(checked_at=None) | Q(checked_at__lt=now - timedelta(hours=1))
    Checkup.objects.filter(long_ago, bot=bot, next_check_at__gt=now).update(next_check_at=now)


def due_bots() -> list[UUID]:
    """Bots to examine now, each claimed for the caller."""
    now = timezone.now()
    unknown = Bot.objects.enabled().filter(checkup=None)
    Checkup.objects.bulk_create(
        [Checkup(bot=bot, next_check_at=now + FIRST * random.random()) for bot in unknown],  # noqa: S311 -- spread, no secret
        ignore_conflicts=True,
    )
    due = Checkup.objects.filter(next_check_at__lte=now, bot__enabled=True, bot__deleted_at=None)
    return [
        pk
        for pk, at in due.order_by("next_check_at").values_list("pk", "next_check_at")[:MAX_BOTS]
        if Checkup.objects.filter(pk=pk, next_check_at=at).update(next_check_at=now + CLAIM)
    ]


def claim_again(bot: Bot) -> bool:
    """Whether somebody who asks may have the bot examined now: not more than every few seconds."""
    now = timezone.now()
    Checkup.objects.bulk_create([Checkup(bot=bot, next_check_at=now + INTERVAL)], ignore_conflicts=True)
    rested = Q(asked_at=None) | Q(asked_at__lte=now - AGAIN)
    return bool(Checkup.objects.filter(rested, bot=bot).update(asked_at=now))


def due_for_observation() -> list[UUID]:
    """Bots whose findings are to be compared with what was seen since, each claimed for the caller."""
    now = timezone.now()
    is_watched = Q(bot__created_at__gte=now - WATCHED, observed_at__lt=now)
    due = Checkup.objects.filter(Q(observed_at=None) | Q(observed_at__lte=now - OBSERVE_EVERY) | is_watched)
    ids = list(
        due.filter(checked_at__isnull=False, bot__enabled=True, bot__deleted_at=None)
        .order_by("observed_at")
        .values_list("pk", flat=True)[:MAX_BOTS]
    )
    Checkup.objects.filter(pk__in=ids).update(observed_at=now)
    return ids


def next_look(*, is_reached: bool) -> datetime:
    """A day from now, or a quarter of an hour where the platform was not reached."""
    interval = INTERVAL if is_reached else RETRY
    return timezone.now() + spread(interval, by=0.1)

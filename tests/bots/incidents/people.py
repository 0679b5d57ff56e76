"""Operators and their bots, and a sweep that notifies them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from bots.enums import SlotState
from bots.incidents import notices
from bots.incidents.detection import RECOVERY, detect
from bots.incidents.notices import due_people, send_due
from bots.models import Bot, FleetProcess, Incident, Notice
from core.access.models import User
from tests.factories import make_bot, make_operator

LONG = timedelta(hours=1)


def make_person(name: str, *, superuser: bool = False, **values: Any) -> User:
    user = make_operator(name, superuser=superuser)
    for field, value in ({"email": f"{name}@example.com", "language": "en"} | values).items():
        setattr(user, field, value)
    user.save()
    return user


def make_troubled(*owners: User, name: str = "Helper", code: int = 1000040345) -> Bot:
    """A bot that is refused, beside a process that holds connections."""
    FleetProcess.objects.create(name="app-1:1", seen_at=timezone.now() + LONG, capacity=10)
    bot = make_bot(name=name)
    Bot.objects.filter(pk=bot.pk).update(updated_at=timezone.now() - LONG)
    bot.owners.add(*owners)
    bot.slots.update(
        state=SlotState.ERROR,
        down_since=timezone.now() - LONG,
        error_code=code,
        error_message="app secret invalid",
    )
    return bot


def make_well(*owners: User, **values: Any) -> Bot:
    bot = make_bot(**values)
    bot.owners.add(*owners)
    recover(bot)
    return bot


def recover(bot: Bot) -> None:
    bot.slots.update(
        state=SlotState.CONNECTED,
        holder=uuid4(),
        lease_until=timezone.now() + LONG,
        down_since=None,
        error_code=None,
        error_message="",
    )


def notify_all() -> None:
    """What a sweep does."""
    detect()
    for person in due_people():
        send_due(*person)


def let_time_pass() -> None:
    """Longer than the gap between two messages, and than a bot has to be well."""
    ago = timezone.now() - 2 * notices.GAP
    Notice.objects.filter(problem_sent_at__isnull=False).update(problem_sent_at=ago)
    Notice.objects.filter(recovery_sent_at__isnull=False).update(recovery_sent_at=ago)
    Notice.objects.filter(due_at__isnull=False).update(due_at=ago)
    Incident.objects.filter(recovered_at__isnull=False).update(recovered_at=timezone.now() - RECOVERY)

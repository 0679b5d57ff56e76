"""Trying whether notices reach an operator; the app that sends them registers how.

A test is bounded for the one who gets it, whoever sends it, and an entry of the audit log before anything is sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise

from core.access import audit
from core.access.actors import Actor
from core.access.models import AuditEntry, User

GAP: Final = timedelta(seconds=30)
"""Between two tests to one operator."""
ACTION: Final = "operator.notice_tested"


class NoticeTestedLately(Exception):
    """The operator got a test a moment ago."""


@dataclass(frozen=True, slots=True)
class ChannelResult:
    """``answer`` says in the active language what came of it."""

    channel: Promise | str
    address: str
    is_sent: bool
    answer: str


Send = Callable[[User], list[ChannelResult]]
_registered: list[Send] = []


def register(send: Send) -> None:
    """``send`` tries every channel that the operator has, and raises nothing."""
    _registered[:] = [send]


def send_test(user: User, *, actor: Actor) -> list[ChannelResult]:
    """What came of a test on every channel of the operator's; none where there is none. Raises NoticeTestedLately."""
    if not (user.email or user.feishu_address):
        return []
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        lately = AuditEntry.objects.filter(
            target=user.get_username(), action=ACTION, at__gt=timezone.now() - GAP
        )
        if lately.exists():
            raise NoticeTestedLately
        audit.record(actor=actor, action=ACTION, target=user.get_username())
    return _registered[0](user)

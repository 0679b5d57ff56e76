"""Counting what may be guessed: passwords and second factors, with growing pauses, in the database.

A stranger must not be able to keep an operator out. So a browser that has signed in with a name before counts by itself:
neither the mistakes of others with that name nor those from its address concern it (OWASP's device cookies).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Case, F, When
from django.utils import timezone

from core.access.models import SignInAttempts

FREE: Final = 5
"""Mistakes before the first pause, of one name from one browser or address."""
FREE_OF_NAME: Final = 20
"""Of one name, wherever they come from."""
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)


class TooManyAttemptsError(Exception):
    """Nothing was looked at. ``seconds``: until it may be tried again. ``is_first``: of the pause that lasts now."""

    def __init__(self, seconds: int, *, is_first: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.is_first = is_first


@dataclass(frozen=True, slots=True)
class Counter:
    """What an attempt counts for, and how many mistakes are free."""

    subject: str
    free: int


def count(counters: Sequence[Counter]) -> None:
    """Count the attempt before the secret is looked at, so that many at once count as well. Raises TooManyAttemptsError."""
    now = timezone.now()
    with transaction.atomic():
        rows = []
        for counter in sorted(counters, key=lambda one: one.subject):
            SignInAttempts.objects.get_or_create(subject=counter.subject)
            row = SignInAttempts.objects.select_for_update().get(subject=counter.subject)
            if row.blocked_until and row.blocked_until > now:
                refused = TooManyAttemptsError(
                    int((row.blocked_until - now).total_seconds()) + 1, is_first=not row.refusal_noted
                )
                row.refusal_noted = True
                row.save(update_fields=["refusal_noted"])
                break
            row.failures = 1 if row.last_at < now - FORGOTTEN_AFTER else row.failures + 1
            row.blocked_until = _blocked_until(row.failures - counter.free, now)
            row.refusal_noted = False
            row.last_at = now
            rows.append(row)
        else:
            for row in rows:
                row.save()
            return
    raise refused


def _blocked_until(beyond: int, now: datetime) -> datetime | None:
    if beyond < 0:
        return None
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(beyond, 10), LONGEST_PAUSE)
    return now + pause


def forgive(counters: Sequence[Counter]) -> None:
    """The right secret: what was counted for the address is taken back once, the rest is forgotten."""
    own = [counter.subject for counter in counters if not counter.subject.startswith("address:")]
    SignInAttempts.objects.filter(subject__in=own).delete()
    SignInAttempts.objects.filter(
        subject__in={counter.subject for counter in counters}, failures__gt=0
    ).update(failures=F("failures") - 1, blocked_until=None)


def take_back(counters: Sequence[Counter]) -> None:
    """The secret was not looked at: the attempt is nobody's mistake. A pause that others are still due stays."""
    for counter in counters:
        is_within = When(failures__lte=counter.free, then=None)
        SignInAttempts.objects.filter(subject=counter.subject, failures__gt=0).update(
            failures=F("failures") - 1, blocked_until=Case(is_within, default=F("blocked_until"))
        )

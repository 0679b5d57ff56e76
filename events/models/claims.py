"""What handler runs and deliveries have in common: workers claim them under a lease and attempt them until they end."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Self, TypeVar

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.visibility import OwnedQuerySet
from core.database.among import among
from core.database.clock import DatabaseTime
from events.enums import AttemptOutcome
from events.models.events import Event
from events.models.replays import ReplayJob

LEASE = timedelta(seconds=30)
"""After that a worker that renewed nothing counts as gone. It renews three times as often, whatever its handlers do."""

# RunStatus and DeliveryStatus both have these.
PENDING = "pending"
RUNNING = "running"
WAITING = (PENDING, "retrying")

M = TypeVar("M", bound="Claimable")


class ClaimableQuerySet(OwnedQuerySet[M]):
    def waiting(self) -> Self:
        """Rows that no worker holds."""
        return self.filter(among("status", WAITING))

    def due(self) -> Self:
        """Rows that wait and whose time has come."""
        return self.waiting().filter(run_at__lte=timezone.now())

    def abandoned(self) -> Self:
        """Rows whose worker is gone: it would have renewed its lease."""
        return self.filter(status=RUNNING, lease_until__lt=DatabaseTime())

    def take(self, claim_id: uuid.UUID) -> int:
        """Claim these rows; returns how many. The attempt is counted here, so that one that kills its worker is counted."""
        return self.update(
            status=RUNNING,
            claim_id=claim_id,
            lease_until=DatabaseTime(LEASE.total_seconds()),
            started_at=timezone.now(),
            attempts=F("attempts") + 1,
        )

    def claimed_with(self, claim_id: uuid.UUID, pks: Iterable[int]) -> Self:
        """Rows of ``pks`` that were claimed, in the order in which they were due. No index begins with the claim."""
        return self.filter(pk__in=list(pks), claim_id=claim_id).order_by("run_at", "pk")

    def held(self, row: M) -> Self:
        """The row, if the claim with which it was read still holds."""
        return self.filter(pk=row.pk, claim_id=row.claim_id, status=RUNNING)

    def renew(self, claims: Sequence[tuple[int, uuid.UUID | None]]) -> None:
        """Extend the leases of rows that are still being worked on: primary keys and their claims."""
        rows = self.filter(status=RUNNING, pk__in=[pk for pk, _claim in claims])
        rows.filter(claim_id__in={claim for _pk, claim in claims}).update(
            lease_until=DatabaseTime(LEASE.total_seconds())
        )

    def release(self, row: M, *, after: timedelta = timedelta()) -> None:
        """Put back a claimed row, because its worker stops, or for a while. The attempt is not counted."""
        self.held(row).update(
            status=PENDING,
            claim_id=None,
            lease_until=None,
            attempts=row.attempts - 1,
            run_at=timezone.now() + after,
        )


class Claimable(models.Model):
    """Work that one event makes. ``claim_id`` is the fence: only the worker that holds it may finish the row.

    A replay adds a row and leaves the old one as it ended: ``is_current`` marks the one that counts, ``round`` numbers
    them, ``replay`` says who asked for it.
    """

    # Foreign keys without an index of their own: a constraint begins with the event, the others are looked up with more.
    event = models.ForeignKey(Event, on_delete=models.CASCADE, verbose_name=_("event"), db_index=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, verbose_name=_("bot"), db_index=False)
    round = models.PositiveSmallIntegerField(_("round"), default=0)
    is_current = models.BooleanField(default=True, editable=False)
    replay = models.ForeignKey(
        ReplayJob,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        verbose_name=_("replay"),
        db_index=False,
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    run_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    # Equal for dead rows whose errors are of the same kind; see events.log.fingerprints.
    fingerprint = models.CharField(max_length=16, blank=True, editable=False)

    class Meta:
        abstract = True


class Attempt(models.Model):
    """One attempt, written with its end. A number without a row is an attempt whose worker never came back."""

    number = models.PositiveSmallIntegerField(_("attempt"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=AttemptOutcome.choices)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        abstract = True
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("number",)
        default_permissions = ()  # shown beneath its run or delivery

"""Refreshes: the journal of attempts, and the gate of each app."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import STILL_USABLE, RefreshOutcome
from auth_sessions.models.user_tokens import UserToken
from bots.models import Bot


class RefreshAttempt(models.Model):
    """One attempt to refresh, for the operator to read and as the last line of defence: the unique index of the fingerprint
    makes a second submission of a refresh token impossible, whatever bug the code has. Probes are the one exception, of
    which one at a time may be under way."""

    claim_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(
        UserToken,
        on_delete=models.CASCADE,
        related_name="refresh_attempts",
        verbose_name=_("token"),
        db_index=False,
    )
    generation = models.PositiveBigIntegerField(_("generation"))
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    probe = models.BooleanField(_("probe"), default=False)
    claimed_at = models.DateTimeField(_("claimed"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=RefreshOutcome.choices, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    """The name of a ``feishu.reasons.Reason`` where the platform gave no code."""
    said = models.CharField(_("what was answered"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("refresh attempt")
        verbose_name_plural = _("refresh attempts")
        ordering = ("-claimed_at",)
        constraints = (
            models.UniqueConstraint(
                name="refresh_token_sent_once",
                fields=("fingerprint", "probe"),
                condition=models.Q(sent_at__isnull=False)
                & ~models.Q(fingerprint="")
                & (
                    (models.Q(probe=False) & ~models.Q(outcome__in=STILL_USABLE))
                    | models.Q(probe=True, outcome="")
                ),
            ),
        )
        indexes = (
            models.Index(name="attempt_of_token", fields=("token", "-claimed_at")),
            models.Index(name="attempt_by_age", fields=("claimed_at",)),
            models.Index(
                name="attempt_refused",
                fields=("finished_at",),
                condition=models.Q(outcome=RefreshOutcome.DEAD_USER),
            ),
            models.Index(
                name="attempt_by_fingerprint",
                fields=("fingerprint",),
                condition=~models.Q(fingerprint=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.claimed_at:%Y-%m-%d %H:%M:%S} {self.outcome}"


class RefreshGate(models.Model):
    """The rate of one app's refreshes, and whether they are paused, for all refreshers.

    ``next_start_at`` is when the next submission may start without exceeding the app's rate. A paused app's grants are left
    as they are; one of them is submitted now and then as a probe, to see whether the app works again.
    """

    bot = models.OneToOneField(
        Bot, on_delete=models.CASCADE, primary_key=True, related_name="refresh_gate", verbose_name=_("bot")
    )
    next_start_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    probed_at = models.DateTimeField(_("last probe"), null=True, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    class Meta:
        verbose_name = _("refresh gate")
        verbose_name_plural = _("refresh gates")

    def __str__(self) -> str:
        return str(self.bot)

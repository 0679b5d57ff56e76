"""Revocations of grants."""

import uuid
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import Notice, PlatformReason, RevocationState
from auth_sessions.models.user_tokens import UserToken
from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.models import ApiClient, User
from core.vault.fields import EncryptedField


class RevocationQuerySet(models.QuerySet["Revocation"]):
    def to_withdraw(self) -> Self:
        """Revocations whose token may be withdrawn at the platform now."""
        return self.filter(state=RevocationState.PENDING, next_attempt_at__lte=timezone.now())

    def to_notify(self) -> Self:
        """Revocations whose notice may be sent now."""
        return self.filter(notice=Notice.DUE, notice_at__lte=timezone.now())


class Revocation(models.Model):
    """One revocation: by whom, why, and whether the token is withdrawn at the platform. Until it is, it is kept sealed here and
    nowhere else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(
        UserToken,
        on_delete=models.CASCADE,
        related_name="revocations",
        verbose_name=_("token"),
        db_index=False,
    )
    actor = models.CharField(_("revoked by"), max_length=MAX_ACTOR)
    operator = models.ForeignKey(
        User, verbose_name=_("operator"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    platform_reason = models.CharField(
        _("the platform's reason"), max_length=13, choices=PlatformReason.choices, blank=True
    )
    at = models.DateTimeField(_("time"), default=timezone.now)

    token = EncryptedField(editable=False, bound_to="grant.bot.destination")
    token_hint = models.CharField(max_length=13, blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=9, choices=RevocationState.choices, default=RevocationState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("not before"), default=timezone.now)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    notice = models.CharField(_("notice"), max_length=6, choices=Notice.choices, default=Notice.NONE)
    notice_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    notice_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RevocationQuerySet.as_manager()

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        ordering = ("-at",)
        constraints = (
            models.CheckConstraint(
                name="revocation_state_known", condition=models.Q(state__in=RevocationState.values)
            ),
            models.CheckConstraint(
                name="revocation_keeps_token_while_pending",
                condition=models.Q(state=RevocationState.PENDING) | models.Q(token=""),
            ),
            models.CheckConstraint(
                name="revocation_notice_known", condition=models.Q(notice__in=Notice.values)
            ),
        )
        indexes = (
            models.Index(name="revocation_of_grant", fields=("grant", "-at")),
            models.Index(name="revocation_by_age", fields=("at",)),
            models.Index(
                name="revocation_pending",
                fields=("next_attempt_at",),
                condition=models.Q(state=RevocationState.PENDING),
            ),
            models.Index(
                name="revocation_notice", fields=("notice_at",), condition=models.Q(notice=Notice.DUE)
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.state}"

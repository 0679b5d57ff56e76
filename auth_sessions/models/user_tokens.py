"""Grants: the tokens of people who authorized a bot."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import functions
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from bots.models import Bot
from core.access.visibility import OwnedQuerySet
from core.vault.fields import EncryptedField

USED_WITHIN = timedelta(hours=6)  # since the last use; later a grant counts as idle


class UserTokenQuerySet(OwnedQuerySet["UserToken"]):
    def by_urgency(self) -> Self:
        """By what ends first: the access token of a grant in use, the refresh token of an idle one."""
        in_use = models.Q(used_at__gt=timezone.now() - USED_WITHIN)
        ends_at = models.Case(
            models.When(in_use, then=models.F("access_expires_at")),
            default=functions.Coalesce("refresh_expires_at", "access_expires_at"),
        )
        return self.order_by(ends_at, "next_refresh_at")

    def due(self, *, at: datetime | None = None) -> Self:
        """Grants to refresh now: idle ones, those whose claimer died, and uncertain ones whose probe is due. With a past ``at``
        those of them that have been since then."""
        now = at or timezone.now()
        ready = models.Q(phase__in=(RefreshPhase.IDLE, RefreshPhase.UNCERTAIN)) & (
            models.Q(next_attempt_at=None) | models.Q(next_attempt_at__lte=now)
        )
        abandoned = models.Q(phase=RefreshPhase.CLAIMED, lease_until__lt=now)
        return self.filter(ready | abandoned, status=TokenStatus.ACTIVE, next_refresh_at__lte=now)

    def ending_within(self, span: timedelta) -> Self:
        """Grants whose person has to consent again by then."""
        return self.filter(status=TokenStatus.ACTIVE, reauthorize_by__lte=timezone.now() + span)

    def refreshable(self) -> Self:
        """Grants that a refresh token keeps alive."""
        return self.filter(status=TokenStatus.ACTIVE).exclude(refresh_token="")

    def destroy_tokens(self, status: TokenStatus, **values: object) -> int:
        """Leave the grants without tokens, at ``status``; returns how many. No refresh is due any more, and the answer of one
        that is under way comes too late: the generation is another."""
        return self.update(
            access_token="",
            refresh_token="",
            status=status,
            phase=RefreshPhase.STOPPED,
            generation=models.F("generation") + 1,
            claim_id=None,
            lease_until=None,
            next_refresh_at=None,
            next_attempt_at=None,
            **values,
        )


class UserToken(models.Model):
    """What one person granted one bot. ``generation`` is a fencing token: a refresh is stored only over the generation that it
    started from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="user_tokens", verbose_name=_("bot"), db_index=False
    )
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    open_id = models.CharField(_("open_id"), max_length=128)
    union_id = models.CharField(_("union_id"), max_length=128, blank=True)
    user_id = models.CharField(_("user_id"), max_length=128, blank=True)
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    """In lower case, as far as the person let it be read."""

    access_token = EncryptedField(_("access token"), editable=False, bound_to="bot.destination")
    refresh_token = EncryptedField(_("refresh token"), editable=False, bound_to="bot.destination")
    access_expires_at = models.DateTimeField(_("access until"))
    refresh_expires_at = models.DateTimeField(_("refreshable until"), null=True, blank=True)
    scopes = models.JSONField(_("scopes granted"), default=list)
    generation = models.PositiveBigIntegerField(_("generation"), default=1)
    authorized_at = models.DateTimeField(_("authorized"))
    reauthorize_by = models.DateTimeField(
        _("authorize again by"),
        help_text=_("The platform ends every grant 365 days after the person's consent."),
    )
    status = models.CharField(
        _("status"), max_length=12, choices=TokenStatus.choices, default=TokenStatus.ACTIVE
    )

    phase = models.CharField(
        _("refresh"), max_length=9, choices=RefreshPhase.choices, default=RefreshPhase.IDLE
    )
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts in a row"), default=0)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    half_life_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_refresh_at = models.DateTimeField(_("next refresh"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("not before"), null=True, blank=True)
    refreshed_at = models.DateTimeField(_("last refreshed"), null=True, blank=True)
    next_reminder_at = models.DateTimeField(_("next reminder"), null=True, blank=True)
    last_outcome = models.CharField(
        _("last outcome"), max_length=10, choices=RefreshOutcome.choices, blank=True
    )
    last_code = models.BigIntegerField(_("last platform code"), null=True, blank=True)
    last_reason = models.CharField(_("last reason"), max_length=20, blank=True)

    objects = UserTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("user token")
        verbose_name_plural = _("user tokens")
        ordering = ("-authorized_at",)
        constraints = (
            models.UniqueConstraint(name="token_once_per_person", fields=("bot", "tenant_key", "open_id")),
            models.CheckConstraint(
                name="token_status_known", condition=models.Q(status__in=TokenStatus.values)
            ),
            models.CheckConstraint(
                name="token_phase_known", condition=models.Q(phase__in=RefreshPhase.values)
            ),
            models.CheckConstraint(
                name="token_revoked_holds_nothing",
                condition=~models.Q(status=TokenStatus.REVOKED)
                | models.Q(access_token="", refresh_token="", next_refresh_at=None),
            ),
            models.CheckConstraint(
                name="token_claim_has_lease",
                condition=~models.Q(phase__in=(RefreshPhase.CLAIMED, RefreshPhase.SENDING))
                | models.Q(claim_id__isnull=False, lease_until__isnull=False),
            ),
        )
        indexes = (
            models.Index(name="token_newest", fields=("-authorized_at", "-id")),
            models.Index(name="token_of_bot", fields=("bot", "-authorized_at", "-id")),
            models.Index(name="token_of_person", fields=("bot", "open_id")),
            *(
                models.Index(
                    name=f"token_of_{column}", fields=("bot", column), condition=~models.Q(**{column: ""})
                )
                for column in ("union_id", "user_id", "email")
            ),
            models.Index(
                name="token_being_sent",
                fields=("lease_until",),
                condition=models.Q(phase=RefreshPhase.SENDING),
            ),
            models.Index(
                name="token_reminder_due",
                fields=("next_reminder_at",),
                condition=models.Q(next_reminder_at__isnull=False),
            ),
            models.Index(
                name="token_refresh_due",
                fields=("next_refresh_at",),
                condition=models.Q(status=TokenStatus.ACTIVE),
            ),
            models.Index(
                name="token_ending",
                fields=("reauthorize_by",),
                condition=models.Q(status=TokenStatus.ACTIVE),
            ),
            models.Index(name="token_by_status", fields=("status", "bot")),
            models.Index(
                name="token_uncertain",
                fields=("bot",),
                condition=models.Q(phase=RefreshPhase.UNCERTAIN),
            ),
        )

    def __str__(self) -> str:
        return self.open_id

    @property
    def is_renewable(self) -> bool:
        """Whether it came with a refresh token. Without ``offline_access`` the platform issues none, and the grant ends with
        its access token."""
        return self.half_life_at is not None

    @property
    def person_needed_at(self) -> datetime:
        """When the grant ends whatever the portal does."""
        return self.reauthorize_by if self.is_renewable else self.access_expires_at

"""Authorization sessions: people who were asked, and how far each authorization got."""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import OPEN_STATES, Deliver, FailureReason, SessionState, Via
from bots.models import Bot
from bots.models.synced_cards import retry_is_due
from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.actors import Actor
from core.access.models import ApiClient, User
from core.access.visibility import OwnedQuerySet
from core.database.among import among
from core.vault.fields import EncryptedField

INTERRUPTED_AFTER = timedelta(minutes=2)
"""Longer than all calls to the platform that follow the person's return take, with their timeouts."""


class AuthSessionQuerySet(OwnedQuerySet["AuthSession"]):
    def open(self) -> Self:
        """Sessions that can still end in an authorization."""
        return self.filter(among("state", OPEN_STATES))

    def overdue(self) -> Self:
        """Open sessions whose time is over."""
        return self.open().filter(expires_at__lte=timezone.now())

    def interrupted(self) -> Self:
        """Open sessions whose state was used so long ago that the process that used it must have died before the end."""
        return self.open().filter(state_used_at__lte=timezone.now() - INTERRUPTED_AFTER)

    def card_untrue(self) -> Self:
        """Sessions whose card, already sent, shows another state than theirs."""
        return self.exclude(message_id="").exclude(card_state=models.F("state")).filter(card_given_up=False)

    def card_out_of_date(self) -> Self:
        """Those of which it may be patched now."""
        return (
            self.card_untrue()
            .filter(retry_is_due())
            .exclude(state__in=(SessionState.PENDING, SessionState.OPENED))
        )


class AuthSession(models.Model):
    """One request to one person for one authorization: who, for what, how far it got.

    The start link and the OAuth state are looked up by hash; the link itself is kept sealed, because the card may have to
    be sent again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="auth_sessions", verbose_name=_("bot"), db_index=False
    )
    open_id = models.CharField(
        _("person asked"), max_length=128, help_text=_("The open_id this bot knows the person by.")
    )
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    scopes = models.JSONField(_("scopes"), default=list)
    added_scopes = models.JSONField(_("scopes on top"), default=list, blank=True)
    why = models.CharField(_("purpose"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=SessionState.choices, default=SessionState.PENDING
    )
    reason = models.CharField(_("reason"), max_length=20, choices=FailureReason.choices, blank=True)
    authorized_by = models.CharField(_("authorized by"), max_length=128, blank=True)
    """The other person, where somebody else authorized than was asked."""
    error_code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    error_reason = models.CharField(_("reason of the error"), max_length=20, blank=True)
    """The name of a ``feishu.reasons.Reason`` where the platform gave no code."""
    error_said = models.CharField(_("what was answered"), max_length=500, blank=True)
    error_log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=MAX_ACTOR)
    operator = models.ForeignKey(
        User, verbose_name=_("operator"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The operator who asked, where one did; ``requested_by`` stays when the account is deleted."""
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    """The API client that asked, where one did: it alone may read the session by REST."""
    request_key = models.CharField(max_length=200, null=True, blank=True, editable=False)  # noqa: DJ001 -- unique when set
    deliver = models.CharField(_("delivered as"), max_length=4, choices=Deliver.choices, default=Deliver.CARD)
    via = models.CharField(_("consent"), max_length=7, choices=Via.choices, default=Via.BROWSER)
    return_url = models.CharField(_("return address"), max_length=500, blank=True)
    renews_until = models.DateTimeField(
        _("renews what ends"),
        null=True,
        blank=True,
        help_text=_("When the authorization ends that this one is to renew."),
    )

    start_token = EncryptedField(editable=False)
    start_hash = models.CharField(max_length=64, unique=True, editable=False)
    browser_hash = models.CharField(max_length=64, blank=True, editable=False)
    state_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 -- unique when set
    state_used_at = models.DateTimeField(null=True, editable=False)
    code_verifier = EncryptedField(editable=False, bound_to="bot.destination")

    message_id = models.CharField(_("card message"), max_length=128, blank=True)
    card_state = models.CharField(_("card shows"), max_length=10, choices=SessionState.choices, blank=True)
    card_attempts = models.PositiveSmallIntegerField(_("card attempts"), default=0)
    card_retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    card_given_up = models.BooleanField(default=False, editable=False)
    card_error = models.CharField(_("card error"), max_length=500, blank=True)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = AuthSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("authorization session")
        verbose_name_plural = _("authorization sessions")
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                name="session_state_known", condition=models.Q(state__in=SessionState.values)
            ),
            models.CheckConstraint(
                name="session_reason_known",
                condition=models.Q(reason="") | models.Q(reason__in=FailureReason.values),
            ),
            models.CheckConstraint(
                name="session_failed_has_reason",
                condition=~models.Q(state=SessionState.FAILED) | ~models.Q(reason=""),
            ),
            models.UniqueConstraint(name="session_once_per_request", fields=("bot", "request_key")),
        )
        indexes = (
            models.Index(name="session_newest", fields=("-created_at", "-id")),
            models.Index(name="session_of_bot", fields=("bot", "-created_at", "-id")),
            models.Index(name="session_of_person", fields=("bot", "open_id", "-created_at")),
            models.Index(
                name="session_card_untrue",
                fields=("card_retry_at",),
                condition=models.Q(card_given_up=False)
                & ~models.Q(message_id="")
                & ~models.Q(card_state=models.F("state")),
            ),
            models.Index(
                name="session_open", fields=("expires_at",), condition=models.Q(state__in=OPEN_STATES)
            ),
            models.Index(
                name="session_failed",
                fields=("-created_at",),
                condition=models.Q(state=SessionState.FAILED),
            ),
            models.Index(
                name="session_by_age",
                fields=("finished_at",),
                condition=models.Q(finished_at__isnull=False),
            ),
            models.Index(
                name="session_state_used",
                fields=("state_used_at",),
                condition=models.Q(state__in=OPEN_STATES, state_used_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.open_id

    @property
    def is_open(self) -> bool:
        """Whether the session can still end in an authorization."""
        return self.state in OPEN_STATES

    def is_requested_by(self, actor: Actor) -> bool:
        """Whether it was ``actor`` who asked. Operators and API clients are known by their keys: names change hands."""
        keys = (actor.operator_id, actor.client_id)
        if keys == (None, None):
            return (self.operator_id, self.client_id, self.requested_by) == (None, None, str(actor))
        return keys == (self.operator_id, self.client_id)

"""Authorization sessions, and the tokens that come of them."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import functions
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import (
    OPEN_STATES,
    STILL_USABLE,
    Deliver,
    Notice,
    Outcome,
    PlatformReason,
    Reason,
    RefreshPhase,
    RevocationState,
    SessionState,
    TokenStatus,
    UseKind,
    Via,
)
from bots.models import Bot
from feishu_portal.access.fields import EncryptedField

if TYPE_CHECKING:
    from feishu_portal.access.models import User

USED_WITHIN = timedelta(hours=6)  # since the last hand-out; after that a grant counts as idle


# Longer than everything that is asked of the platform once a person is back, all time-outs together.
INTERRUPTED_AFTER = timedelta(minutes=2)


class AuthSessionQuerySet(models.QuerySet["AuthSession"]):
    def open(self) -> Self:
        """Sessions that can still end in an authorization."""
        return self.filter(state__in=OPEN_STATES)

    def overdue(self) -> Self:
        """Open sessions whose time is over."""
        return self.open().filter(expires_at__lte=timezone.now())

    def interrupted(self) -> Self:
        """Open sessions whose state was used so long ago that whoever used it must have died before the end."""
        return self.open().filter(state_used_at__lte=timezone.now() - INTERRUPTED_AFTER)

    def card_out_of_date(self) -> Self:
        """Sessions whose card, already sent, does not show how things stand, and may be tried again now."""
        return (
            self.exclude(message_id="")
            .exclude(card_state=models.F("state"))
            .filter(
                models.Q(card_retry_at=None) | models.Q(card_retry_at__lte=timezone.now()),
                card_given_up=False,
            )
            .exclude(state__in=(SessionState.PENDING, SessionState.OPENED))
        )

    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


class AuthSession(models.Model):
    """One person asked for one authorization: who, for what, how far it got.

    The start link and the OAuth state are looked up by hash; the link itself is kept sealed, because the card may have to
    be sent again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="auth_sessions", verbose_name=_("bot")
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
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    error_code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    error_log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=200)
    request_key = models.CharField(max_length=200, null=True, blank=True, editable=False)  # noqa: DJ001 -- unique when set
    deliver = models.CharField(_("delivered as"), max_length=4, choices=Deliver.choices, default=Deliver.CARD)
    via = models.CharField(_("road"), max_length=7, choices=Via.choices, default=Via.BROWSER)
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
    code_verifier = EncryptedField(editable=False)

    message_id = models.CharField(_("card message"), max_length=128, blank=True)
    card_state = models.CharField(_("card shows"), max_length=10, choices=SessionState.choices, blank=True)
    card_tries = models.PositiveSmallIntegerField(_("card tries"), default=0)
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
                condition=models.Q(reason="") | models.Q(reason__in=Reason.values),
            ),
            models.CheckConstraint(
                name="session_failed_has_reason",
                condition=~models.Q(state=SessionState.FAILED) | ~models.Q(reason=""),
            ),
            models.UniqueConstraint(name="session_once_per_request", fields=("bot", "request_key")),
        )
        indexes = (
            models.Index(name="session_newest", fields=("-created_at",)),
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


class DeviceConsentQuerySet(models.QuerySet["DeviceConsent"]):
    def to_poll(self) -> Self:
        """Codes whose outcome may be asked for now."""
        return self.filter(next_poll_at__lte=timezone.now(), session__state__in=OPEN_STATES)


class DeviceConsent(models.Model):
    """The device-code half of a session (RFC 8628): the code the portal polls with, and what the person is shown.

    A code lives for minutes, the session longer: when one ends unused, the person can ask for the next from the card.
    """

    session = models.OneToOneField(
        AuthSession, on_delete=models.CASCADE, primary_key=True, related_name="device", editable=False
    )
    device_code = EncryptedField(editable=False)
    user_code = EncryptedField(editable=False)
    verification_uri = EncryptedField(editable=False)
    wanted = models.BooleanField(default=True, editable=False)
    starting_until = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(_("code expires"), null=True, editable=False)
    interval = models.PositiveSmallIntegerField(_("seconds between polls"), default=5, editable=False)
    next_poll_at = models.DateTimeField(_("next poll"), null=True, editable=False)
    asking = models.BooleanField(default=False, editable=False)
    polls = models.PositiveIntegerField(_("polls"), default=0, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True)

    objects = DeviceConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("device code")
        verbose_name_plural = _("device codes")
        constraints = (
            models.CheckConstraint(
                name="device_polled_has_code",
                condition=models.Q(next_poll_at=None)
                | (~models.Q(device_code="") & models.Q(expires_at__isnull=False)),
            ),
        )
        indexes = (
            models.Index(
                name="device_to_poll",
                fields=("next_poll_at",),
                condition=models.Q(next_poll_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return str(self.session_id)

    @property
    def is_live(self) -> bool:
        """Whether the link leads to a consent that is still being waited for."""
        return (
            self.next_poll_at is not None and self.expires_at is not None and self.expires_at > timezone.now()
        )


class UserTokenQuerySet(models.QuerySet["UserToken"]):
    def by_urgency(self) -> Self:
        """Those that end first first: the access token of a grant in use, the refresh token of an idle one."""
        in_use = models.Q(used_at__gt=timezone.now() - USED_WITHIN)
        ends_at = models.Case(
            models.When(in_use, then=models.F("access_expires_at")),
            default=functions.Coalesce("refresh_expires_at", "access_expires_at"),
        )
        return self.order_by(ends_at, "next_refresh_at")

    def due(self) -> Self:
        """Grants whose refresh should start now: idle ones, claimed ones whose claimer is gone, and late probes."""
        now = timezone.now()
        ready = models.Q(phase__in=(RefreshPhase.IDLE, RefreshPhase.UNCERTAIN)) & (
            models.Q(next_try_at=None) | models.Q(next_try_at__lte=now)
        )
        abandoned = models.Q(phase=RefreshPhase.CLAIMED, lease_until__lt=now)
        return self.filter(ready | abandoned, status=TokenStatus.ACTIVE, next_refresh_at__lte=now)

    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


class UserToken(models.Model):
    """What one person granted one bot. ``generation`` fences: a refresh is stored only over the one it started from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="user_tokens", verbose_name=_("bot"))
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    open_id = models.CharField(_("open_id"), max_length=128)
    union_id = models.CharField(_("union_id"), max_length=128, blank=True)
    user_id = models.CharField(_("user_id"), max_length=128, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)

    access_token = EncryptedField(_("access token"), editable=False)
    refresh_token = EncryptedField(_("refresh token"), editable=False)
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
    attempts = models.PositiveSmallIntegerField(_("tries in a row"), default=0)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    half_life_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_refresh_at = models.DateTimeField(_("next refresh"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("not before"), null=True, blank=True)
    refreshed_at = models.DateTimeField(_("last refreshed"), null=True, blank=True)
    next_reminder_at = models.DateTimeField(_("next reminder"), null=True, blank=True)
    last_outcome = models.CharField(_("last outcome"), max_length=10, choices=Outcome.choices, blank=True)
    last_code = models.BigIntegerField(_("last platform code"), null=True, blank=True)

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
        )

    def __str__(self) -> str:
        return self.name or self.open_id


class RefreshAttempt(models.Model):
    """One attempt to refresh, kept for the operator and as the last defence: the fingerprint's unique index makes a
    second submission of the same refresh token impossible, whatever bug the code has. A probe is the one exception."""

    claim_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(
        UserToken, on_delete=models.CASCADE, related_name="refresh_attempts", verbose_name=_("token")
    )
    generation = models.PositiveBigIntegerField(_("generation"))
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    probe = models.BooleanField(_("probe"), default=False)
    claimed_at = models.DateTimeField(_("claimed"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    class Meta:
        verbose_name = _("refresh attempt")
        verbose_name_plural = _("refresh attempts")
        ordering = ("-claimed_at",)
        constraints = (
            models.UniqueConstraint(
                name="refresh_token_sent_once",
                fields=("fingerprint", "probe"),
                condition=models.Q(sent_at__isnull=False) & ~models.Q(outcome__in=STILL_USABLE),
            ),
        )

    def __str__(self) -> str:
        return f"{self.claimed_at:%Y-%m-%d %H:%M:%S} {self.outcome}"


class RevocationQuerySet(models.QuerySet["Revocation"]):
    def to_tell_platform(self) -> Self:
        """Revocations the platform may be told of now."""
        return self.filter(state=RevocationState.PENDING, next_try_at__lte=timezone.now())

    def to_tell_person(self) -> Self:
        """Revocations whose notice may be sent now."""
        return self.filter(notice=Notice.DUE, notice_at__lte=timezone.now())


class Revocation(models.Model):
    """One end of a grant: who ended it, why, and whether the platform knows. Until it does, the token to be withdrawn is
    kept sealed here and nowhere else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(
        UserToken, on_delete=models.CASCADE, related_name="revocations", verbose_name=_("token")
    )
    actor = models.CharField(_("revoked by"), max_length=200)
    platform_reason = models.CharField(
        _("the platform's reason"), max_length=13, choices=PlatformReason.choices, blank=True
    )
    at = models.DateTimeField(_("time"), default=timezone.now)

    token = EncryptedField(editable=False)
    token_hint = models.CharField(max_length=13, blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=9, choices=RevocationState.choices, default=RevocationState.PENDING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("not before"), default=timezone.now)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    notice = models.CharField(_("notice"), max_length=6, choices=Notice.choices, default=Notice.NONE)
    notice_tries = models.PositiveSmallIntegerField(default=0, editable=False)
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
            models.Index(
                name="revocation_pending",
                fields=("next_try_at",),
                condition=models.Q(state=RevocationState.PENDING),
            ),
            models.Index(
                name="revocation_notice", fields=("notice_at",), condition=models.Q(notice=Notice.DUE)
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.state}"


class PersonalLinkQuerySet(models.QuerySet["PersonalLink"]):
    def to_open(self) -> Self:
        """Links that nobody has opened and whose time is not over."""
        return self.filter(opened_at=None, expires_at__gt=timezone.now(), bot__enabled=True)

    def open_pages(self) -> Self:
        """Links whose page can still be looked at."""
        return self.filter(opened_at__isnull=False, expires_at__gt=timezone.now())


class PersonalLink(models.Model):
    """A one-time way to a person's own page, and then that page in the one browser that opened it. Both secrets are
    looked up by hash."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", editable=False)
    tenant_key = models.CharField(max_length=64, blank=True, editable=False)
    open_id = models.CharField(max_length=128, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    browser_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 -- unique when set
    expires_at = models.DateTimeField(editable=False, db_index=True)
    opened_at = models.DateTimeField(null=True, editable=False)

    objects = PersonalLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("personal link")
        verbose_name_plural = _("personal links")

    def __str__(self) -> str:
        return self.open_id


class TokenUseQuerySet(models.QuerySet["TokenUse"]):
    def of(self, grant: UserToken) -> Self:
        """What was done for this person, newest first; take a slice."""
        person = self.filter(bot=grant.bot_id, open_id=grant.open_id, tenant_key=grant.tenant_key)
        return person.order_by("-id")

    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


class TokenUse(models.Model):
    """An access token that an API client was given, or a call it made by the proxy: committed before the token leaves, or
    the call. Who, for whom, when, and how it ended; no token, no query, no body. A call without ``open_id`` was made as
    the bot itself; one without ``seconds`` is under way, or nobody saw how it ended."""

    at = models.DateTimeField(_("time"), default=timezone.now)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="token_uses", verbose_name=_("bot"), db_index=False
    )
    client = models.CharField(_("API client"), max_length=100)
    kind = models.CharField(_("use"), max_length=6, choices=UseKind.choices)
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    open_id = models.CharField(_("open_id"), max_length=128, blank=True)
    generation = models.PositiveBigIntegerField(_("generation"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=7, blank=True)
    path = models.CharField(_("path"), max_length=500, blank=True)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    sent_bytes = models.PositiveBigIntegerField(_("bytes sent"), null=True, blank=True)
    received_bytes = models.PositiveBigIntegerField(_("bytes received"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)

    objects = TokenUseQuerySet.as_manager()

    class Meta:
        verbose_name = _("token use")
        verbose_name_plural = _("token use")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(name="use_kind_known", condition=models.Q(kind__in=UseKind.values)),
        )
        indexes = (
            models.Index(name="use_by_age", fields=("at",)),
            models.Index(name="use_by_person", fields=("bot", "open_id", "id")),
            models.Index(name="use_by_client", fields=("client", "id")),
        )

    def __str__(self) -> str:
        return f"{self.client}: {self.get_kind_display()}"


class RefreshGate(models.Model):
    """What every refresher heeds about one app: how fast it may go, and whether it may go at all.

    ``next_slot_at`` is when the submissions granted so far will have used up the app's rate. A paused app's grants are
    left as they are; one of them is tried now and then to see whether the app works again.
    """

    bot = models.OneToOneField(
        Bot, on_delete=models.CASCADE, primary_key=True, related_name="refresh_gate", verbose_name=_("bot")
    )
    next_slot_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    class Meta:
        verbose_name = _("refresh gate")
        verbose_name_plural = _("refresh gates")

    def __str__(self) -> str:
        return str(self.bot)

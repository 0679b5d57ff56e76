"""Device codes, for consent that needs no public address of the portal."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import OPEN_STATES
from auth_sessions.models.sessions import AuthSession
from core.vault.fields import EncryptedField


class DeviceConsentQuerySet(models.QuerySet["DeviceConsent"]):
    def to_poll(self) -> Self:
        """Consents that may be polled for now."""
        return self.filter(next_poll_at__lte=timezone.now(), session__state__in=OPEN_STATES)


class DeviceConsent(models.Model):
    """What a session by device code has on top (RFC 8628): the code that the portal polls with, and what the person is shown.

    A code lives for minutes, the session longer: when a code ends unused, the person can get the next one from the card.
    """

    session = models.OneToOneField(
        AuthSession, on_delete=models.CASCADE, primary_key=True, related_name="device", editable=False
    )
    device_code = EncryptedField(editable=False, bound_to="session.bot.destination")
    user_code = EncryptedField(editable=False)
    verification_uri = EncryptedField(editable=False)
    needs_code = models.BooleanField(default=True, editable=False)
    start_lease_until = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(_("code expires"), null=True, editable=False)
    interval = models.PositiveSmallIntegerField(_("seconds between polls"), default=5, editable=False)
    next_poll_at = models.DateTimeField(_("next poll"), null=True, editable=False)
    poll_in_flight = models.BooleanField(default=False, editable=False)
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
        """Whether the link leads to a consent that is polled for."""
        return (
            self.next_poll_at is not None and self.expires_at is not None and self.expires_at > timezone.now()
        )

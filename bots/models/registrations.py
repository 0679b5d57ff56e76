"""Apps on their way: an operator is shown a QR code, and the portal asks the platform until somebody has confirmed."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models

from bots.enums import RegistrationFailure, RegistrationState
from bots.models.bots import Bot
from core.vault.fields import EncryptedField


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def waiting(self) -> Self:
        return self.filter(state=RegistrationState.WAITING)

    def end(self, state: RegistrationState, **values: Any) -> int:
        """End them in ``state``; what the platform would be asked with is destroyed."""
        return self.update(state=state, device_code="", address="", **values)


class Registration(models.Model):
    """One QR code. ``extends`` is the bot whose app it extends, None where an app is made; ``bot`` is what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    extends = models.ForeignKey(Bot, on_delete=models.CASCADE, null=True, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.SET_NULL, null=True, related_name="+")
    state = models.CharField(
        max_length=8, choices=RegistrationState.choices, default=RegistrationState.WAITING
    )
    failure = models.CharField(max_length=11, blank=True, choices=RegistrationFailure.choices)
    detail = models.CharField(max_length=200, blank=True)
    """The platform's own word, or the App ID that the failure is about."""
    device_code = EncryptedField()
    """Destroyed with ``address`` when the registration ends."""
    address = EncryptedField()
    """What the QR code holds."""
    is_lark = models.BooleanField(default=False)
    """Whether the platform is asked at Lark: it said that the person is there."""
    interval = models.PositiveSmallIntegerField()
    """Seconds between two polls."""
    next_poll_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    trouble = models.CharField(max_length=20, blank=True)
    """Why the last poll failed, a ``feishu.reasons.Reason``; it is tried again."""
    began_at = models.DateTimeField(auto_now_add=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # shown to the operator who began it, on the page of the QR code
        constraints = (
            models.UniqueConstraint(
                name="registration_waits_once",
                fields=("operator",),
                condition=models.Q(state=RegistrationState.WAITING, extends=None),
            ),
            models.UniqueConstraint(
                name="registration_of_bot_waits_once",
                fields=("operator", "extends"),
                condition=models.Q(state=RegistrationState.WAITING),
            ),
            models.CheckConstraint(
                name="registration_state_known", condition=models.Q(state__in=RegistrationState.values)
            ),
        )
        indexes = (
            models.Index(
                name="registration_due",
                fields=("next_poll_at",),
                condition=models.Q(state=RegistrationState.WAITING),
            ),
            models.Index(name="registration_by_age", fields=("began_at",)),
        )

    def __str__(self) -> str:
        return f"{self.operator_id} {self.state}"

"""What an operator shows beside the password or instead of it."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.access.models.operators import User
from core.vault.fields import EncryptedField

MAX_FACTOR_NAME = 60
"""Characters of what an operator calls an authenticator app or a passkey."""


class TotpDevice(models.Model):
    """An authenticator app of an operator; without ``confirmed_at`` it waits for its first code. See
    ``core.access.second_factors.totp``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="totp_devices", editable=False)
    name = models.CharField(_("name"), max_length=MAX_FACTOR_NAME, blank=True)
    secret = EncryptedField(editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)
    """The time step of the last code that was accepted: that one and earlier ones are not accepted again."""
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, db_index=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return self.name


class Passkey(models.Model):
    """A passkey of an operator. What is stored opens nothing: it is the public key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys", editable=False)
    name = models.CharField(_("name"), max_length=MAX_FACTOR_NAME)
    credential_id = models.CharField(max_length=1400, unique=True, editable=False)
    """As base64url; 1,023 bytes at most."""
    public_key = models.BinaryField(editable=False)
    sign_count = models.BigIntegerField(default=0, editable=False)
    """What the authenticator said last; 0 for ever of those that do not count."""
    user_handle = models.BinaryField(max_length=64, editable=False)
    """Random, the same for all passkeys of an operator: authenticators show one entry for each."""
    host = models.CharField(max_length=255, editable=False)
    """The host name that it works for."""
    synced = models.BooleanField(default=False, editable=False)
    """Whether its provider keeps copies on other devices."""
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name


class PasskeyChallenge(models.Model):
    """A challenge that a browser is to sign: for one purpose, in one session, once, within minutes."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    session = models.CharField(max_length=40, editable=False)
    """The stored key of the session."""
    purpose = models.CharField(max_length=20, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    user_handle = models.BinaryField(max_length=64, default=b"", editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("passkey challenge")
        verbose_name_plural = _("passkey challenges")
        indexes = (models.Index(name="challenge_of_session", fields=("session", "purpose")),)

    def __str__(self) -> str:
        return self.purpose


class RecoveryCode(models.Model):
    """One of the codes that stand in for a second factor, once each."""

    user = models.ForeignKey(
        User,
        db_index=False,  # recovery_code_once begins with it
        on_delete=models.CASCADE,
        related_name="recovery_codes",
        editable=False,
    )
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = (models.UniqueConstraint(name="recovery_code_once", fields=("user", "digest")),)

    def __str__(self) -> str:
        return "recovery code"

"""Operators' own accounts on the platform, by which they sign in to the console."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.models import User
from core.vault.fields import EncryptedField
from feishu.oauth import MAX_ID


class OperatorAccount(models.Model):
    """A person of the platform who signs in as an operator, as one bot knows them. Made by the operator, after they had signed
    in, or by an administrator, who names the open_id; never found by name or e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="platform_accounts", editable=False)
    bot = models.ForeignKey(
        Bot,
        db_index=False,  # operator_account_once begins with it
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    destination = models.TextField(editable=False)
    """The bot's destination when the account was linked: what another platform says of an id counts for nothing."""
    tenant_key = models.CharField(max_length=MAX_ID, blank=True, editable=False)
    """Empty where an administrator made it, until the person signs in: an open_id is one person's of an app, in all tenants."""
    open_id = models.CharField(max_length=MAX_ID, editable=False)
    name = models.CharField(max_length=200, blank=True, editable=False)
    linked_at = models.DateTimeField(auto_now_add=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("operator's account")
        verbose_name_plural = _("operators' accounts")
        constraints = (
            models.UniqueConstraint(name="operator_account_of_one", fields=("bot", "tenant_key", "open_id")),
            models.UniqueConstraint(name="operator_account_once", fields=("bot", "user")),
        )

    def __str__(self) -> str:
        return self.name or self.open_id


class OperatorSignIn(models.Model):
    """An operator on the way to the platform and back: one state, once, in the session that began, for minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    """Who links an account; None where somebody signs in."""
    state_hash = models.CharField(max_length=64, unique=True, editable=False)
    session = models.CharField(max_length=40, editable=False)
    """The stored key of the browser's session."""
    code_verifier = EncryptedField(bound_to="bot.destination", editable=False)
    next_page = models.TextField(editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("sign-in under way")
        verbose_name_plural = _("sign-ins under way")

    def __str__(self) -> str:
        return str(self.id)

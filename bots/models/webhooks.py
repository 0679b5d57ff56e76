"""Requests to a bot's webhook, counted: which secret proved them, and why others were refused."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.enums import WebhookSecret
from bots.models.bots import Bot


class SecretUse(models.Model):
    """How many requests a secret has proved since a next one was entered: at most two rows for each secret of a bot, kept
    as long as the rotation."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="secret_uses", verbose_name=_("bot"), db_index=False
    )
    secret = models.CharField(max_length=18, choices=WebhookSecret.choices)
    is_next = models.BooleanField()
    requests = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("bot", "secret", "is_next"), name="secret_use_once"),
            models.CheckConstraint(
                name="secret_use_secret_known", condition=models.Q(secret__in=WebhookSecret.values)
            ),
        )

    def __str__(self) -> str:
        return f"{'next ' if self.is_next else ''}{self.secret}: {self.requests}"


class RefusedPush(models.Model):
    """How many requests to a bot's webhook were refused for one reason: one row for each, however many came. The count
    begins again after a day without any."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="refused_pushes", verbose_name=_("bot"), db_index=False
    )
    reason = models.CharField(max_length=32)
    """Stable; ``bots.webhook.refusals`` has the words."""
    requests = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("bot", "reason"), name="refused_push_once"),)

    def __str__(self) -> str:
        return f"{self.reason}: {self.requests}"

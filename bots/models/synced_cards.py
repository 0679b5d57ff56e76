"""Rows that have a card, which is kept in step with them."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def retry_is_due() -> models.Q:
    """Rows whose card has not failed, or may be tried again now."""
    return models.Q(card_retry_at=None) | models.Q(card_retry_at__lte=timezone.now())


class SyncedCard(models.Model):
    """``version`` counts the changes that the card can show, ``card_shows`` the one that it shows. See ``bots.card_sync``."""

    version = models.PositiveIntegerField(default=1, editable=False)
    card_shows = models.PositiveIntegerField(default=0, editable=False)
    message_id = models.CharField(_("card message"), max_length=128, blank=True)
    card_claimed_until = models.DateTimeField(null=True, editable=False)
    card_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    card_retry_at = models.DateTimeField(null=True, editable=False)
    card_given_up = models.BooleanField(default=False, editable=False)
    card_error = models.CharField(_("card error"), max_length=500, blank=True)

    class Meta:
        abstract = True

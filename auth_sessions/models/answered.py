"""What the bot has answered in chats and does not answer again."""

from django.db import models
from django.utils import timezone

from bots.models import Bot


class Answered(models.Model):
    """A message whose command was run, or a person who was shown what the bot understands.

    A message can be edited again and again and arrives as another event each time: its command runs once, for the event that
    came first and, where that fails, for its later attempts.
    """

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", editable=False, db_index=False)
    key = models.CharField(max_length=140, editable=False)
    """`message:` or `hint:`, and the platform's id of the message or the person."""
    event_pk = models.BigIntegerField(editable=False)
    """The event that was answered."""
    at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        default_permissions = ()  # for the handlers alone
        constraints = (models.UniqueConstraint(name="answered_once", fields=("bot", "key")),)

    def __str__(self) -> str:
        return self.key

"""Replies that grow: who writes them, to whom, by which bot, and how they ended; never what they said."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind, StreamState
from bots.models.bots import Bot
from core.access.models import ApiClient
from core.access.visibility import OwnedQuerySet
from core.database.clock import DatabaseTime
from feishu.streaming.reply import MAX_EPOCH


class ReplyStreamQuerySet(OwnedQuerySet["ReplyStream"]):
    """Streamed replies of bots."""

    def left_open(self) -> "ReplyStreamQuerySet":
        """Those whose cards may still say that text is coming, and whose process is gone."""
        return self.filter(is_open=True, lease_until__lt=DatabaseTime())


class ReplyStream(models.Model):
    """One reply that grows, committed before anything of it is sent.

    ``key_hash`` and ``fingerprint`` know a repetition. ``epoch`` numbers those who have written on its cards, attempts and
    sweeps: each claims it with the next number, and only the last one counts. ``lease_until``, by the database's clock: when it
    is taken to be left, while it ``is_open``; null when closing it was given up. ``cards``: ``[card_id, message_id]`` of each, in
    order; a message that is replaced as a whole has no card_id.
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="streams", verbose_name=_("bot"), db_index=False
    )
    actor = models.CharField(_("written by"), max_length=200)
    client = models.ForeignKey(
        ApiClient, on_delete=models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=7, choices=SendingKind.choices)
    receive_id_type = models.CharField(_("kind of address"), max_length=8, blank=True)
    target = models.CharField(_("to"), max_length=128)
    state = models.CharField(
        _("state"), max_length=11, choices=StreamState.choices, default=StreamState.RUNNING
    )
    key_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 -- unique when set
    fingerprint = models.CharField(max_length=64, editable=False)
    epoch = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    is_open = models.BooleanField(default=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    closings = models.PositiveIntegerField(default=0, editable=False)
    """How often a sweep has tried to close it."""
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    cards = models.JSONField(default=list, editable=False)
    chat_id = models.CharField(_("chat ID"), max_length=128, blank=True)
    characters = models.PositiveIntegerField(_("characters"), default=0)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    said = models.CharField(_("error"), max_length=300, blank=True)
    """The platform's own words, or what was wrong with who wrote it."""
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    objects = ReplyStreamQuerySet.as_manager()

    class Meta:
        verbose_name = _("streamed reply")
        verbose_name_plural = _("streamed replies")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(name="stream_once_per_key", fields=("bot", "key_hash")),
            models.CheckConstraint(
                name="stream_state_known", condition=models.Q(state__in=StreamState.values)
            ),
            models.CheckConstraint(name="stream_kind_known", condition=models.Q(kind__in=SendingKind.values)),
            models.CheckConstraint(name="stream_epoch_bounded", condition=models.Q(epoch__lte=MAX_EPOCH)),
        )
        indexes = (
            models.Index(name="stream_by_age", fields=("at",)),
            models.Index(name="stream_by_bot", fields=("bot", "id")),
            models.Index(name="stream_by_client", fields=("client", "id")),
            models.Index(name="stream_by_target", fields=("target", "id")),
            models.Index(name="stream_left_open", fields=("lease_until",), condition=models.Q(is_open=True)),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.target}"

    @property
    def pages(self) -> list[tuple[str, str]]:
        """card_id and message_id of each card."""
        return [(card_id, message_id) for card_id, message_id in self.cards]

    @property
    def message_ids(self) -> list[str]:
        """Of the messages that people see, in order."""
        return [message_id for _card_id, message_id in self.cards if message_id]

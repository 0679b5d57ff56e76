"""Problems that take a person, the notices sent of them, and the cards that show them."""

import uuid
from typing import TYPE_CHECKING, Self, cast

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import Channel
from bots.incidents.causes import Details, cause_named
from bots.models.bots import Bot
from bots.models.synced_cards import SyncedCard
from feishu.codes import CodeInfo

if TYPE_CHECKING:
    from core.access.models import User


_CARD_IS_OLD = models.Q(card_shows__lt=models.F("version"))


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: "User") -> Self:
        """Incidents of the operator's bots, and of what else is theirs."""
        if user.sees_everything:
            return self
        bots = list(Bot.objects.visible_to(user).values_list("pk", flat=True))
        return self.filter(models.Q(bot__in=bots) | models.Q(owner=user))

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def ongoing(self) -> Self:
        """Open ones whose problem is there still: of others it is gone, and they are closed when it stays away."""
        return self.filter(closed_at=None, recovered_at=None)


class Incident(models.Model):
    """One problem of one bot, or of something else that has an owner, from when it needs a person to when it is over.

    ``cause`` is the name of a ``bots.incidents.causes.Cause``, which has the words. ``recovered_at``: the problem is
    gone; the incident is closed when it stays away.
    """

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, null=True, blank=True, related_name="incidents", verbose_name=_("bot")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("owner"),
    )
    """Who is notified, where the subject is no bot: a bot has owners of its own."""
    subject = models.CharField(_("subject"), max_length=100, blank=True)
    """The name of the subject, where it is no bot."""
    subject_id = models.UUIDField(null=True, editable=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("taken by"),
    )
    """Who takes care of it."""
    cause = models.CharField(_("cause"), max_length=20)
    code = models.BigIntegerField(_("error code"), null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    """Why, where the platform gave no code; the cause knows its reasons."""
    message = models.CharField(_("error"), max_length=500, blank=True)
    began_at = models.DateTimeField(_("began"))
    opened_at = models.DateTimeField(_("noticed"), auto_now_add=True)
    recovered_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(_("over"), null=True, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                name="incident_open_once", fields=("bot", "cause"), condition=models.Q(closed_at=None)
            ),
            models.UniqueConstraint(
                name="incident_of_subject_open_once",
                fields=("subject_id", "cause"),
                condition=models.Q(closed_at=None),
            ),
            models.CheckConstraint(
                name="incident_of_bot_or_subject",
                condition=models.Q(bot__isnull=False, subject_id=None)
                | models.Q(bot=None, subject_id__isnull=False),
            ),
        )
        indexes = (models.Index(name="incident_by_age", fields=("closed_at",)),)

    def __str__(self) -> str:
        return self.headline

    @property
    def affected_id(self) -> uuid.UUID:
        """The id of what has the problem."""
        return cast("uuid.UUID", self.bot_id or self.subject_id)

    @property
    def affected_name(self) -> str:
        """The name of what has the problem, without line breaks."""
        return " ".join((self.subject if self.bot is None else self.bot.name).split())

    @property
    def details(self) -> Details:
        return Details(self.code, self.reason, self.message)

    @property
    def problem_key(self) -> str:
        """What the overview knows the problem by."""
        return cause_named(self.cause).key_of(self.affected_id)

    @property
    def kind(self) -> str:
        """The kind of problem; a silence holds for one."""
        return cause_named(self.cause).kind(self.details)

    @property
    def headline(self) -> str:
        """What is wrong with what, on one line, in the active language."""
        return str(cause_named(self.cause).headline) % {"subject": self.affected_name}

    @property
    def explanation(self) -> CodeInfo:
        """Why, and what to do about it."""
        return cause_named(self.cause).explain(self.details)


class NoticeCardQuerySet(models.QuerySet["NoticeCard"]):
    def card_out_of_date(self) -> Self:
        """Cards that show an earlier version, and whose bot may send."""
        return self.filter(_CARD_IS_OLD, bot__enabled=True, bot__deleted_at=None)


class NoticeCard(SyncedCard):
    """A card that told one person of incidents, kept in step with them; its first version is sent before the row is there."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", verbose_name=_("bot"))
    """Which sent it: one without a problem, whatever the incidents are about."""
    sent_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    objects = NoticeCardQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # shown with the incidents
        verbose_name = _("notice card")
        verbose_name_plural = _("notice cards")
        indexes = (models.Index(name="notice_card_old", fields=("card_retry_at",), condition=_CARD_IS_OLD),)

    def __str__(self) -> str:
        return self.message_id


class Notice(models.Model):
    """The notices to one person on one channel: that an incident began and, only then, that it is over."""

    incident = models.ForeignKey(
        Incident,
        verbose_name=_("incident"),
        db_index=False,  # notice_once begins with it
        on_delete=models.CASCADE,
        related_name="notices",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("operator"),
        db_index=False,  # notice_by_user begins with it
        on_delete=models.CASCADE,
        related_name="+",
    )
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices)
    card = models.ForeignKey(
        NoticeCard, on_delete=models.SET_NULL, null=True, editable=False, related_name="notices"
    )
    """The card that told of the beginning, and shows the end; None where text does."""
    problem_sent_at = models.DateTimeField(_("problem sent"), null=True, blank=True)
    recovery_sent_at = models.DateTimeField(_("recovery sent"), null=True, blank=True)
    due_at = models.DateTimeField(null=True, editable=False)
    """When to send the next one; None when there is nothing to send, or no attempt left."""
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True)
    """Kind and answer, as ``bots.incidents.failures`` reads them."""

    class Meta:
        default_permissions = ()  # shown with its incident
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = (
            models.UniqueConstraint(name="notice_once", fields=("incident", "user", "channel")),
            models.CheckConstraint(
                name="notice_channel_known", condition=models.Q(channel__in=Channel.values)
            ),
        )
        indexes = (
            models.Index(name="notice_due", fields=("due_at",), condition=models.Q(due_at__isnull=False)),
            models.Index(name="notice_by_user", fields=("user", "channel", "problem_sent_at")),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.channel}"


class ProblemSilence(models.Model):
    """An operator's word that one problem need not be shown and told for a while.

    ``key`` and ``cause`` are those of ``core.console.overview.Problem``: another kind of cause is not silenced.
    """

    key = models.CharField(max_length=300, unique=True)
    cause = models.CharField(max_length=200)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("bot"))
    by = models.CharField(_("silenced by"), max_length=200)
    """The actor, as in the audit log."""
    until = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        default_permissions = ()  # who may change incidents may silence problems
        verbose_name = _("silenced problem")
        verbose_name_plural = _("silenced problems")

    def __str__(self) -> str:
        return self.key

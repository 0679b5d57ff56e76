"""Token use: hand-outs and calls."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import UseKind
from auth_sessions.models.user_tokens import UserToken
from bots.models import Bot
from core.access.models import ApiClient
from core.access.visibility import OwnedQuerySet


class TokenUseQuerySet(OwnedQuerySet["TokenUse"]):
    def of(self, grant: UserToken) -> Self:
        """Uses of the person's tokens, newest first; take a slice."""
        person = self.filter(bot=grant.bot_id, open_id=grant.open_id, tenant_key=grant.tenant_key)
        return person.order_by("-id")


class TokenUse(models.Model):
    """An access token that an API client was given, or a call of it or of a handler: committed before the token leaves, or
    the call. Who, for whom, when, and how it ended; no token, no query, no body. A call without ``open_id`` was made as
    the bot itself; one without ``seconds`` is under way, or nobody saw how it ended."""

    at = models.DateTimeField(_("time"), default=timezone.now)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="token_uses", verbose_name=_("bot"), db_index=False
    )
    # Not constrained: a record outlives its client, and deleting a client must not rewrite millions of them.
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    caller = models.CharField(_("caller"), max_length=100)
    """The API client's name at that time, or the program that a handler gave."""
    kind = models.CharField(_("use"), max_length=6, choices=UseKind.choices)
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    open_id = models.CharField(_("open_id"), max_length=128, blank=True)
    generation = models.PositiveBigIntegerField(_("generation"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=7, blank=True)
    path = models.CharField(_("path"), max_length=500, blank=True)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    """Why there was no answer, or only part of one (`feishu.reasons`)."""
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
            models.Index(name="use_by_bot", fields=("bot", "id")),
            models.Index(name="use_by_person", fields=("bot", "open_id", "id")),
            models.Index(name="use_by_caller", fields=("caller", "id")),
        )

    def __str__(self) -> str:
        return f"{self.caller}: {self.get_kind_display()}"

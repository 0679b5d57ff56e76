"""Groups in which a bot answers otherwise than in its others."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import GroupPolicy
from bots.models.bots import Bot
from bots.validators import validate_chat_id
from core.access.visibility import OwnedQuerySet


class GroupExceptionQuerySet(OwnedQuerySet["GroupException"]):
    """Exceptions of bots."""


class GroupException(models.Model):
    """Which messages of one group a bot answers, in place of ``Bot.group_policy``."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="group_exceptions", verbose_name=_("bot"), db_index=False
    )
    chat_id = models.CharField(_("chat ID"), max_length=128, validators=[validate_chat_id])
    name = models.CharField(_("name"), max_length=200, blank=True)
    """As the platform called the group when the exception was set; empty where it did not say."""
    policy = models.CharField(_("answers"), max_length=16, choices=GroupPolicy.choices)
    changed_by = models.CharField(_("changed by"), max_length=200)
    """An actor."""
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects = GroupExceptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("exception for a group")
        verbose_name_plural = _("exceptions for groups")
        default_permissions = ()  # set on a page of their bot
        constraints = (
            models.UniqueConstraint(name="group_exception_once", fields=("bot", "chat_id")),
            models.CheckConstraint(
                name="group_exception_policy_known", condition=models.Q(policy__in=GroupPolicy.values)
            ),
        )

    def __str__(self) -> str:
        return self.name or self.chat_id

"""What the doctor has found of each bot, and when it looks again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.enums import CheckResult
from bots.models.bots import Bot
from core.access.visibility import OwnedQuerySet


class Checkup(models.Model):
    """When the doctor looked at a bot, and when it does next. One row a bot."""

    bot = models.OneToOneField(
        Bot, primary_key=True, on_delete=models.CASCADE, related_name="checkup", verbose_name=_("bot")
    )
    next_check_at = models.DateTimeField(db_index=True)
    asked_at = models.DateTimeField(null=True)
    """When somebody last had it checked again."""
    checked_at = models.DateTimeField(_("checked"), null=True)
    observed_at = models.DateTimeField(null=True, db_index=True)
    """When the findings were last compared with what was seen of the bot since."""

    class Meta:
        default_permissions = ()  # shown with its bot
        verbose_name = _("checkup")
        verbose_name_plural = _("checkups")

    def __str__(self) -> str:
        return str(self.bot_id)


class StoredFindingQuerySet(OwnedQuerySet["StoredFinding"]):
    """Findings of bots."""


class StoredFinding(models.Model):
    """How one check of a bot stands. One row a check, which the next examination overwrites."""

    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        db_index=False,  # finding_once_per_check begins with it
        on_delete=models.CASCADE,
        related_name="findings",
    )
    check_name = models.CharField(max_length=30)
    """A ``bots.doctor.findings.Check``."""
    result = models.CharField(_("result"), max_length=10, choices=CheckResult.choices)
    cause_zh = models.CharField(max_length=1000)
    cause_en = models.CharField(max_length=1000)
    cure_zh = models.CharField(max_length=1000, blank=True)
    cure_en = models.CharField(max_length=1000, blank=True)
    value = models.CharField(max_length=4000, blank=True)
    code = models.BigIntegerField(null=True)
    log_id = models.CharField(max_length=128, blank=True)
    since = models.DateTimeField(_("since"))
    """Since when the result is this one."""
    looked_at = models.DateTimeField(_("checked"))

    objects = StoredFindingQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # shown with its bot
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = (
            models.UniqueConstraint(name="finding_once_per_check", fields=("bot", "check_name")),
            models.CheckConstraint(
                name="finding_result_known", condition=models.Q(result__in=CheckResult.values)
            ),
        )
        indexes = (
            models.Index(
                name="finding_not_in_order",
                fields=("since",),
                condition=~models.Q(result=CheckResult.OK),
            ),
        )

    def __str__(self) -> str:
        return f"{self.check_name}: {self.result}"

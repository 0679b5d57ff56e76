"""What decides when and whether handlers run, and what was shed under load."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.visibility import OwnedQuerySet
from events.enums import OptionalWork


class BotQueue(models.Model):
    """A bot's place among those whose events wait: the one scheduled longest ago is scheduled next.

    Whoever dispatches or claims for a bot holds the lock of its row, so that both keep the order of arrival.
    """

    bot = models.OneToOneField(Bot, on_delete=models.CASCADE, primary_key=True, related_name="queue")
    scheduled_at = models.DateTimeField(null=True, editable=False)
    next_start_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()  # no page of the console is about it

    def __str__(self) -> str:
        return str(self.bot_id)


class HandlerSwitchQuerySet(OwnedQuerySet["HandlerSwitch"]):
    pass


class HandlerSwitch(models.Model):
    """An operator's word on one handler of one bot; without a row the handler's own default holds."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="handler_switches", verbose_name=_("bot"), db_index=False
    )
    handler = models.CharField(_("handler"), max_length=200)
    is_on = models.BooleanField(_("on"))

    objects = HandlerSwitchQuerySet.as_manager()

    class Meta:
        verbose_name = _("handler switch")
        verbose_name_plural = _("handlers")
        default_permissions = ("view", "change")
        constraints = (models.UniqueConstraint(name="switch_once", fields=("bot", "handler")),)

    def __str__(self) -> str:
        return self.handler


class HandledBot(Bot):
    """A bot, as the console's page about its handlers sees it."""

    class Meta:
        proxy = True
        verbose_name = _("handlers of a bot")
        verbose_name_plural = _("handlers")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name


class ShedCount(models.Model):
    """How often one kind of optional work was shed in one hour, because events came faster than they could be stored."""

    hour = models.DateTimeField(_("hour"))
    work = models.CharField(_("shed work"), max_length=10, choices=OptionalWork.choices)
    count = models.PositiveIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("shed work")
        verbose_name_plural = _("load shedding")
        ordering = ("-hour", "work")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(name="shed_once_an_hour", fields=("hour", "work")),
            models.CheckConstraint(name="shed_work_known", condition=models.Q(work__in=OptionalWork.values)),
        )

    def __str__(self) -> str:
        return f"{self.work} {self.hour:%Y-%m-%d %H:%M}"

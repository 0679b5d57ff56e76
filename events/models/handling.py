"""What decides when and whether handlers run, and what was left out under load."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from events.enums import Extra

if TYPE_CHECKING:
    from core.access.models import User


class Lane(models.Model):
    """A bot's place among those whose events wait: the one served longest ago is served next.

    Whoever dispatches or claims for a bot holds the lock of its row, so that both keep the order of arrival.
    """

    bot = models.OneToOneField(Bot, on_delete=models.CASCADE, primary_key=True, related_name="lane")
    served_at = models.DateTimeField(null=True, editable=False)
    next_start_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()  # no page of the console is about it

    def __str__(self) -> str:
        return str(self.bot_id)


class HandlerSwitchQuerySet(models.QuerySet["HandlerSwitch"]):
    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


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


class LeftOut(models.Model):
    """How much of an extra was left out in one hour because events came faster than they could be stored."""

    hour = models.DateTimeField(_("hour"))
    extra = models.CharField(_("left out"), max_length=10, choices=Extra.choices)
    count = models.PositiveIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("left out under load")
        verbose_name_plural = _("left out under load")
        ordering = ("-hour", "extra")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(name="left_out_once_an_hour", fields=("hour", "extra")),
            models.CheckConstraint(name="left_out_extra_known", condition=models.Q(extra__in=Extra.values)),
        )

    def __str__(self) -> str:
        return f"{self.extra} {self.hour:%Y-%m-%d %H:%M}"

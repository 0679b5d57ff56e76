"""What a bot says on which occasion, and which chats have heard it."""

from typing import Final

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot, CardTemplate
from core.access.visibility import OwnedQuerySet
from feishu_portal.greetings.enums import Occasion

MAX_PAUSE: Final = 30 * 24 * 60
"""Minutes between two greetings of a chat."""


class GreetingQuerySet(OwnedQuerySet["Greeting"]):
    """Greetings of bots."""


class Greeting(models.Model):
    """A text or a card template for one occasion; of the menu, for one entry of it."""

    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        db_index=False,  # greeting_once begins with it
        on_delete=models.CASCADE,
        related_name="greetings",
    )
    occasion = models.CharField(_("occasion"), max_length=13, choices=Occasion.choices)
    menu_key = models.CharField(
        _("event key"),
        max_length=30,
        blank=True,
        help_text=_("Of the menu entry, as the developer console has it."),
    )
    text = models.TextField(
        _("text"),
        max_length=5000,
        blank=True,
        help_text=_("May hold {{bot}}, {{chat}} and {{people}}, the names of those who joined."),
    )
    template = models.ForeignKey(
        CardTemplate,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="greetings",
        verbose_name=_("card template"),
        help_text=_(
            "In place of a text. Its variables “bot”, “chat”, “people” and “person” are filled; others need a default."
        ),
    )
    pause_minutes = models.PositiveIntegerField(
        _("pause"),
        default=10,
        validators=[MaxValueValidator(MAX_PAUSE)],
        help_text=_("Minutes in which a chat gets this greeting once at most, up to 43200 (30 days)."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    objects = GreetingQuerySet.as_manager()

    class Meta:
        verbose_name = _("greeting")
        verbose_name_plural = _("greetings")
        ordering = ("bot__name", "occasion", "menu_key")
        constraints = (
            models.UniqueConstraint(
                name="greeting_once",
                fields=("bot", "occasion", "menu_key"),
                violation_error_message=_("The bot has a greeting for this occasion."),
            ),
            models.CheckConstraint(
                name="greeting_occasion_known", condition=models.Q(occasion__in=Occasion.values)
            ),
            models.CheckConstraint(
                name="greeting_says_one_thing", condition=models.Q(text="") ^ models.Q(template=None)
            ),
        )

    def __str__(self) -> str:
        words = str(Occasion(self.occasion).label)
        return f"{words} · {self.menu_key}" if self.menu_key else words


class Greeted(models.Model):
    """A chat that got a greeting, for which event: that one's attempts may go on, others wait for the pause."""

    greeting = models.ForeignKey(Greeting, on_delete=models.CASCADE, related_name="+", db_index=False)
    chat_id = models.CharField(max_length=128, editable=False)
    event_pk = models.BigIntegerField(editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    """When that event arrived."""

    class Meta:
        default_permissions = ()  # for the handlers alone
        constraints = (models.UniqueConstraint(name="greeted_once", fields=("greeting", "chat_id")),)

    def __str__(self) -> str:
        return self.chat_id

"""Cards that operators saved to be sent by name."""

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models.bots import Bot
from core.access.visibility import OwnedQuerySet

if TYPE_CHECKING:
    from core.access.models import User

NAME = r"^[a-z0-9][a-z0-9._\-]{0,63}\Z"


class CardTemplateQuerySet(OwnedQuerySet["CardTemplate"]):
    def visible_to(self, user: "User") -> Self:
        """Those of the user's bots, and those of all bots, which are everybody's to read."""
        if user.sees_everything:
            return self
        own = Bot.objects.filter(owners=user).values_list("pk", flat=True)
        return self.filter(models.Q(bot__in=list(own)) | models.Q(bot=None))

    def usable_by(self, bot: Bot) -> Self:
        """Those that the bot may send: its own, before those of all bots."""
        both = self.filter(models.Q(bot=bot) | models.Q(bot=None))
        return both.order_by("name", models.F("bot").asc(nulls_last=True))


class CardTemplate(models.Model):
    """``card`` is the JSON as its author wrote it, ``variables`` what is declared of its variables (see
    ``bots.card_templates.variables``). Both change together, and ``version`` with them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot,
        db_index=False,  # card_template_once_per_bot begins with it
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="card_templates",
        verbose_name=_("bot"),
        help_text=_(
            "The bot that sends the card. Without one, every bot may; only administrators change such a template."
        ),
    )
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[RegexValidator(NAME, _("Use small letters, digits, “-”, “_” and “.”."))],
        help_text=_(
            "By which it is sent, e.g. disk-full. Where a bot has a template of its own under a name, it sends that one."
        ),
    )
    description = models.CharField(_("description"), max_length=200, blank=True)
    card = models.TextField(_("card"))
    variables: models.JSONField[dict[str, Any]] = models.JSONField(_("variables"), default=dict, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects = CardTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("card template")
        verbose_name_plural = _("card templates")
        ordering = ("name", "created_at")
        constraints = (
            models.UniqueConstraint(
                name="card_template_once_per_bot",
                fields=("bot", "name"),
                violation_error_message=_("The bot has a card template with this name."),
            ),
            models.UniqueConstraint(
                name="card_template_once_for_all",
                fields=("name",),
                condition=models.Q(bot=None),
                violation_error_message=_("There is a card template with this name for all bots."),
            ),
        )

    def __str__(self) -> str:
        return self.name

"""When a bot greets."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Occasion(models.TextChoices):
    WELCOME = "welcome", _("A person opens the chat with the bot for the first time")
    BOT_ADDED = "bot_added", _("The bot is added to a group")
    PEOPLE_JOINED = "people_joined", _("People join a group of the bot")
    MENU = "menu", _("An entry of the bot's menu is chosen")

"""Greetings: what a bot says by itself when people open its chat, groups change, or an entry of its menu is chosen."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GreetingsConfig(AppConfig):
    name = "feishu_portal.greetings"
    verbose_name = _("Greetings")

    def ready(self) -> None:
        from feishu_portal.greetings import registration  # noqa: F401, PLC0415 -- models are loaded now

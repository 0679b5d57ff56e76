"""Bots: for whom the portal speaks, and the connections on which their events arrive."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BotsConfig(AppConfig):
    name = "bots"
    verbose_name = _("Bots")

    def ready(self) -> None:
        from bots.incidents import connections  # noqa: F401, PLC0415 -- registers its detector; models are loaded now

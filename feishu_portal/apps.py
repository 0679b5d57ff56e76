"""The project as an application: its commands, system checks and console."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "feishu_portal"
    label = "portal"
    verbose_name = _("Feishu Portal")

    def ready(self) -> None:
        from feishu_portal import checks  # noqa: F401, PLC0415 -- registers the checks

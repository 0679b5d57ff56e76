"""Alerts: what Alertmanager reports, as cards in a chat."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    name = "feishu_portal.alerts"
    verbose_name = _("Monitoring alerts")

    def ready(self) -> None:
        from feishu_portal.alerts import bot_removal  # noqa: F401, PLC0415 -- models are loaded now

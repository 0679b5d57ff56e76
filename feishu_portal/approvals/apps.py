"""Approvals: calls of API clients that the person they are made for approves on a card."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "feishu_portal.approvals"
    verbose_name = _("Approvals")

    def ready(self) -> None:
        # Each registers what it does for other apps; models are loaded now.
        from feishu_portal.approvals import bot_removal, card_sync  # noqa: F401, PLC0415 -- see above

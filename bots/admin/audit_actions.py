"""Names of this app's actions in the audit log."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "bot.created": _("Bot added"),
        "bot.updated": _("Bot changed"),
        "bot.enabled": _("Bot switched on"),
        "bot.disabled": _("Bot switched off"),
        "bot.deleted": _("Bot deleted"),
        "bot.brand_switched": _("Brand of a bot switched"),
        "bot.connect": _("Bot connected"),
        "bot.disconnect": _("Bot disconnected"),
    }
)

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
        "bot.secrets_promoted": _("Next secrets of a bot put in use"),
        "bot.next_secrets_expired": _("Unused next secrets of a bot dropped"),
        "bot.rotation_prolonged": _("Rotation of a bot's secrets prolonged"),
        "bot.brand_switched": _("Brand of a bot switched"),
        "bot.connect": _("Bot connected"),
        "bot.disconnect": _("Bot disconnected"),
    }
)

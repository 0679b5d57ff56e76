"""Names of this app's actions in the audit log."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "auth_session.created": _("Authorization asked for"),
        "auth_session.authorized": _("Authorization given"),
        "auth_session.denied": _("Authorization declined"),
        "auth_session.expired": _("Authorization request expired"),
        "auth_session.failed": _("Authorization failed"),
        "auth_session.cancelled": _("Authorization request cancelled"),
        "auth_session.superseded": _("Authorization request superseded"),
        "user_token.needs_reauth": _("Token must be authorized again"),
        "user_token.revived": _("Token to be refreshed again"),
        "user_token.revoked": _("Authorization revoked"),
        "user_token.destination_changed": _("Tokens destroyed: the bot's platform or address changed"),
        "user_token.revocation_given_up": _("Token could not be withdrawn at the platform"),
        "bot.refresh_paused": _("Refreshing paused: the platform refuses the app"),
        "bot.refresh_resumed": _("Refreshing goes on"),
        "bot.refresh_probed": _("Refreshing to be probed"),
    }
)

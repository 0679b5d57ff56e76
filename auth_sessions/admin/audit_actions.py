"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "auth_session.created": (
            _("Authorization asked for"),
            _("%(actor)s asked %(target)s for an authorization"),
            _("%(actor)s asked to authorize the bot"),
        ),
        "auth_session.authorized": (_("Authorization given"), _("%(target)s gave the authorization")),
        "auth_session.denied": (_("Authorization declined"), _("%(target)s declined the authorization")),
        "auth_session.expired": (
            _("Authorization request expired"),
            _("The authorization request to %(target)s expired"),
        ),
        "auth_session.failed": (_("Authorization failed"), _("The authorization of %(target)s failed")),
        "auth_session.cancelled": (
            _("Authorization request cancelled"),
            _("%(actor)s cancelled the authorization request to %(target)s"),
            _("%(actor)s cancelled their authorization request"),
        ),
        "auth_session.superseded": (
            _("Authorization request superseded"),
            _("The authorization request to %(target)s gave way to a newer one"),
        ),
        "campaign.created": (
            _("Campaign created"),
            _("%(actor)s created the authorization campaign %(target)s"),
        ),
        "campaign.started": (
            _("Campaign sent"),
            _("%(actor)s had the cards of the campaign %(target)s sent"),
        ),
        "campaign.reminded": (
            _("Campaign: people reminded"),
            _("%(actor)s reminded the people of the campaign %(target)s"),
        ),
        "campaign.retried": (
            _("Campaign: the failed tried again"),
            _("%(actor)s had the failed people of the campaign %(target)s tried again"),
        ),
        "campaign.cancelled": (
            _("Campaign cancelled"),
            _("%(actor)s cancelled the campaign %(target)s"),
        ),
        "user_token.needs_reauth": (
            _("Token must be authorized again"),
            _("The token of %(target)s ended: they must authorize again"),
        ),
        "user_token.revived": (
            _("Token to be refreshed again"),
            _("%(actor)s had the token of %(target)s refreshed again"),
        ),
        "user_token.revoked": (
            _("Authorization revoked"),
            _("%(actor)s revoked the authorization of %(target)s"),
            _("%(actor)s revoked their authorization"),
        ),
        "user_token.destination_changed": (
            _("Tokens destroyed: the bot's platform or address changed"),
            _("%(actor)s changed where %(target)s is, which destroyed its tokens"),
        ),
        "user_token.revocation_given_up": (
            _("Token could not be withdrawn at the platform"),
            _("The revoked token of %(target)s could not be withdrawn at the platform"),
        ),
        "agent.connected": (_("Agent connected"), _("%(actor)s connected the agent %(target)s")),
        "agent.disconnected": (_("Agent disconnected"), _("%(actor)s disconnected the agent %(target)s")),
        "agent.reused": (
            _("Agent ended: a secret of its was used twice"),
            _("A secret of the agent %(target)s was used twice, which ended it"),
        ),
        "agent_access.updated": (
            _("Access of agents changed"),
            _("%(actor)s changed who may connect agents"),
        ),
        "bot.refresh_paused": (
            _("Refreshing paused: the platform refuses the app"),
            _("Refreshing the tokens of %(target)s is paused: the platform refuses the app"),
        ),
        "bot.refresh_resumed": (_("Refreshing goes on"), _("Refreshing the tokens of %(target)s goes on")),
        "bot.refresh_probed": (
            _("Refreshing to be probed"),
            _("%(actor)s had the refreshing of %(target)s tried again"),
        ),
    },
    groups={
        "agent": _("Agents"),
        "agent_access": _("Access of agents"),
        "auth_session": _("Authorizations"),
        "campaign": _("Authorization campaigns"),
        "user_token": _("User tokens"),
    },
)

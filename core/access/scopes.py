"""What an API client may be allowed to do."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    BOTS_READ = "bots:read", _("See bots and their connections")
    BOTS_MANAGE = "bots:manage", _("Connect and disconnect bots")
    AUTH_CREATE = "auth:create", _("Ask users for authorization")
    TOKENS_ISSUE = "tokens:issue", _("Obtain user access tokens")
    TOKENS_REVOKE = "tokens:revoke", _("Revoke user authorizations")
    MESSAGES_SEND = "messages:send", _("Send messages as the bot")
    ALERTS_SEND = "alerts:send", _("Send alerts of Alertmanager")
    EVENTS_READ = "events:read", _("Read events")
    EVENTS_REPLAY = "events:replay", _("Replay events")
    PROXY_APP = "proxy:app", _("Call the platform as the bot")
    PROXY_USER = "proxy:user", _("Call the platform as a user")

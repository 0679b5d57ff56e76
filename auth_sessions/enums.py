"""Choices of the authorization models."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SessionState(models.TextChoices):
    PENDING = "pending", _("Being sent")
    SENT = "sent", _("Sent")
    OPENED = "opened", _("Opened")
    AUTHORIZED = "authorized", _("Authorized")
    DENIED = "denied", _("Denied")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SUPERSEDED = "superseded", _("Superseded")


OPEN_STATES = (SessionState.PENDING, SessionState.SENT, SessionState.OPENED)


class FailureReason(models.TextChoices):
    """Why a session failed."""

    WRONG_PERSON = "wrong_person", _("Another person authorized")
    OTHER_BROWSER = "other_browser", _("The answer came back in another browser")
    PLATFORM_ERROR = "platform_error", _("The platform refused")
    UNREACHABLE = "unreachable", _("The platform could not be reached")
    UNREADABLE = "unreadable", _("The answer could not be read")
    CARD_NOT_SENT = "card_not_sent", _("The card could not be sent")
    INTERRUPTED = "interrupted", _("Interrupted before the tokens were stored")


class Via(models.TextChoices):
    """The OAuth flow by which the person consents."""

    BROWSER = "browser", _("In the browser")
    DEVICE = "device", _("By device code")


class Deliver(models.TextChoices):
    CARD = "card", _("Card")
    LINK = "link", _("Link")


class TokenStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    NEEDS_REAUTH = "needs_reauth", _("Must authorize again")
    REVOKED = "revoked", _("Revoked")


class RefreshPhase(models.TextChoices):
    IDLE = "idle", _("Idle")
    CLAIMED = "claimed", _("Claimed")
    SENDING = "sending", _("Being sent")
    UNCERTAIN = "uncertain", _("Outcome unknown")
    STOPPED = "stopped", _("Stopped")


class RefreshOutcome(models.TextChoices):
    """How one submission of a refresh token ended."""

    OK = "ok", _("Refreshed")
    NOT_SENT = "not_sent", _("Not sent")
    REJECTED = "rejected", _("Rejected, still usable")
    UNCERTAIN = "uncertain", _("Outcome unknown")
    DEAD_USER = "dead_user", _("Refused for this user")
    DEAD_APP = "dead_app", _("Refused for this app")
    SUPERSEDED = "superseded", _("Overtaken by a new authorization")


STILL_USABLE = (
    RefreshOutcome.NOT_SENT,
    RefreshOutcome.REJECTED,
    RefreshOutcome.DEAD_APP,
)
"""After these the platform has not consumed the refresh token, so it may be sent again."""

KNOWN_OUTCOMES = (RefreshOutcome.OK, RefreshOutcome.DEAD_USER, RefreshOutcome.SUPERSEDED)
"""After these the refresh token is used up or refused for good: it is never sent again."""


class RevocationState(models.TextChoices):
    """Whether the grant's token is withdrawn at the platform."""

    PENDING = "pending", _("To be withdrawn at the platform")
    DONE = "done", _("Withdrawn at the platform")
    GIVEN_UP = "given_up", _("Could not be withdrawn at the platform")
    OVERTAKEN = "overtaken", _("Overtaken by a new authorization")


class PlatformReason(models.TextChoices):
    """Why the platform itself ended a grant (page "user_access_token revoked event")."""

    USER = "user", _("Revoked by the person in Feishu")
    ADMINISTRATOR = "administrator", _("Revoked by the tenant's administrator")
    SECURITY = "security", _("Revoked by the platform's risk control")
    RESTRICTION = "restriction", _("The person left, was frozen or may no longer use the app")
    UNKNOWN = "unknown", _("Revoked by the platform")


class Notice(models.TextChoices):
    """Whether the person is notified."""

    NONE = "none", _("Not needed")
    DUE = "due", _("To be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Could not be sent")


class UseKind(models.TextChoices):
    """What an API client or a handler did with a token."""

    ISSUED = "issued", _("Token handed out")
    CALL = "call", _("Proxy call")
    CODE = "code", _("Call by a handler")


class AgentTokenKind(models.TextChoices):
    ACCESS = "access", _("Access token")
    REFRESH = "refresh", _("Refresh token")


class AgentEnd(models.TextChoices):
    """Why a connected agent may act no more."""

    PERSON = "person", _("Disconnected by the person")
    OPERATOR = "operator", _("Disconnected by an operator")
    AGENT = "agent", _("Signed out by the agent itself")
    REUSED = "reused", _("A secret was used twice, as a thief would")

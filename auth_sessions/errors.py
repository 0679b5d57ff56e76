"""What can go wrong with authorizations."""

from datetime import datetime
from typing import Final

from auth_sessions.enums import SessionState
from bots.errors import BotDisabledError


class AuthError(Exception):
    """Base of this app's errors; ``code`` is stable for machines, the message is for people."""

    code = "auth_error"


CANNOT_ASK: Final = (AuthError, BotDisabledError)
"""What asking a person for an authorization raises; each has a ``code``."""


class NoPublicAddressError(AuthError):
    """PUBLIC_URL is not set, so no browser can come back with the answer."""

    code = "no_public_url"

    def __init__(self) -> None:
        super().__init__("PUBLIC_URL is not set, so a browser cannot come back to the portal.")


class InvalidScopesError(AuthError):
    """The scopes asked for are not a list of at most 50 scope names."""

    code = "invalid_scopes"


class AskedTooOftenError(AuthError):
    """The person has been asked for more scopes too often today, or has declined these."""

    code = "asked_too_often"

    def __init__(self) -> None:
        super().__init__(
            "The person has declined these scopes or was asked for more often enough for one day."
        )


class RemindedTooOftenError(AuthError):
    """The people of a campaign were asked a moment ago, or often enough."""

    code = "reminded_too_often"


class LinkError(AuthError):
    """The start link cannot be used."""


class LinkUnknown(LinkError):
    code = "link_unknown"


class LinkExpired(LinkError):
    code = "link_expired"


class LinkUsed(LinkError):
    """The session behind the link has ended; ``state`` says how."""

    code = "link_used"

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self.state = state


class LinkBusy(LinkError):
    """The person is back and the platform is being called; in a moment the session will have ended."""

    code = "link_busy"


class LinkOpenedElsewhere(LinkError):
    code = "link_opened_elsewhere"


class TokenNotFoundError(AuthError):
    """The person has never authorized the bot."""

    code = "token_not_found"

    def __init__(self) -> None:
        super().__init__("This person has not authorized the bot.")


class PersonUnknownError(AuthError):
    """The bot knows nobody by this id, and neither does the platform."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("The platform knows nobody by this id whom the bot may see.")


class SeveralPeopleError(AuthError):
    """Bots know different people by the same id."""

    code = "several_people"

    def __init__(self) -> None:
        super().__init__("Several people have this id: name the one that is meant by the union_id.")


class TenantNeededError(AuthError):
    """Two tenants know the same open_id."""

    code = "tenant_key_required"

    def __init__(self) -> None:
        super().__init__("People of several tenants have this open_id: say whose with the tenant_key.")


class PersonNeededError(AuthError):
    """The person ``open_id`` has to do something for the bot ``app_id``."""

    def __init__(self, message: str, *, open_id: str, app_id: str) -> None:
        super().__init__(message)
        self.open_id = open_id
        self.app_id = app_id


class ReauthorizationRequiredError(PersonNeededError):
    """There is no usable token, and none can be had before the person authorizes again."""

    code = "reauthorization_required"

    def __init__(self, *, open_id: str, app_id: str) -> None:
        super().__init__(
            f"{open_id} has to authorize {app_id} again: ask with auth_sessions.domain.sessions.request_authorization.",
            open_id=open_id,
            app_id=app_id,
        )


class ScopesLackingError(PersonNeededError):
    """The person has not allowed what the call needs: any one of ``scopes``."""

    code = "scopes_lacking"

    def __init__(self, *, open_id: str, app_id: str, scopes: tuple[str, ...]) -> None:
        super().__init__(
            f"{open_id} has to allow {app_id} one of {', '.join(scopes)}: ask with auth_sessions.domain.tokens.scopes.ask_for_scopes, one_of=True.",
            open_id=open_id,
            app_id=app_id,
        )
        self.scopes = scopes


class RefreshInProgressError(AuthError):
    """The token is being refreshed: retry."""

    code = "refresh_in_progress"

    def __init__(self) -> None:
        super().__init__("The access token is being refreshed. Try again in a few seconds.")


class RefreshPostponedError(AuthError):
    """The token could not be refreshed; the next attempt is made at ``retry_at``."""

    code = "refresh_postponed"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(
            f"The access token could not be refreshed. The next attempt is made at {retry_at:%H:%M:%S %Z}."
        )
        self.retry_at = retry_at


class InTransactionError(AuthError):
    """A call for a person is recorded before it is sent, and what the platform is asked takes its time: an open transaction could
    roll the record back, and would keep its locks meanwhile."""

    code = "in_transaction"

    def __init__(self) -> None:
        super().__init__(
            "Ask the platform for a person outside transactions: in a handler, @on(…, atomic=False)."
        )


class AgentRefused(AuthError):
    """What an agent asked for by OAuth is refused; ``code`` is an error of RFC 6749, 7591 or 8707."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code

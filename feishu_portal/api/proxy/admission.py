"""Who may send which call, and with what."""

from dataclasses import dataclass, field
from typing import Protocol

from auth_sessions.domain.tokens.decision import Reauthorize, Refresh, Use, decide_for_call
from auth_sessions.domain.tokens.usage import ask_refresh, note_use
from auth_sessions.enums import UseKind
from auth_sessions.errors import AuthError, TokenNotFoundError
from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from core.access.models import ApiClient
from core.access.path_rules import allows
from core.access.scopes import Scope
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.credentials import AppCredentials
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.reauthorization import reauthorization_required
from feishu_portal.api.refresh_wait import refresh_in_progress


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the caller sent it."""

    key: str = field(repr=False)
    target: Target
    tenant_key: str = ""
    fall_back: bool = False
    """Where the person cannot be acted for, the bot may act as itself."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may be sent, and is written down. ``grant`` is None where the bot acts as itself; then the token is the
    bot's own and has to be asked for."""

    client: ApiClient
    bot: Bot
    credentials: AppCredentials
    grant: UserToken | None
    use: TokenUse
    token: str = field(default="", repr=False)


class Rows(Protocol):
    """Where an admission gets its rows from."""

    def client(self, key: str) -> ApiClient | None: ...

    def bot(self, app_id: str) -> Bot | None: ...

    def grant(self, bot: Bot, asked: Asked) -> UserToken:
        """The person's; raises AuthError."""
        ...


def admit(asked: Asked, rows: Rows, *, may_wait: bool) -> Admitted | UserToken:
    """The call, to be written down; or the grant that is being refreshed, for the caller to wait for. Raises Problem."""
    client = rows.client(asked.key)
    if client is None:
        raise unauthenticated()
    permitted(client, Scope.PROXY_USER if asked.target.open_id else Scope.PROXY_APP)
    if asked.fall_back:
        permitted(client, Scope.PROXY_APP)
    bot = rows.bot(asked.target.app_id)
    if bot is None or not client.may_use(bot.app_id):
        raise not_found("bot")
    if not allows(client.proxy_paths, asked.target.method, asked.target.segments):
        raise Problem(403, "path_not_allowed", "None of the API client's path rules allows this call.")
    if not bot.enabled:
        raise Problem(409, "bot_disabled", "The bot is disabled.")
    try:
        return _admit(asked, rows, client, bot, may_wait=may_wait)
    except SealedValueError:
        raise Problem(
            503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens what this call needs."
        ) from None


def _admit(asked: Asked, rows: Rows, client: ApiClient, bot: Bot, *, may_wait: bool) -> Admitted | UserToken:
    if not asked.target.open_id:
        return _admitted(asked, client, bot, None)
    try:
        return _admit_for_person(asked, rows, client, bot, may_wait=may_wait)
    except Problem:
        if asked.fall_back:
            return _admitted(asked, client, bot, None)
        raise


def _admit_for_person(
    asked: Asked, rows: Rows, client: ApiClient, bot: Bot, *, may_wait: bool
) -> Admitted | UserToken:
    """The call with the person's token; or the grant, being refreshed, where ``may_wait``. Raises Problem."""
    try:
        grant = rows.grant(bot, asked)
    except AuthError as error:
        status = 404 if isinstance(error, TokenNotFoundError) else 409
        raise Problem(status, error.code, str(error)) from None
    match decide_for_call(grant):
        case Use(_, ends_soon):
            if ends_soon:
                ask_refresh(grant)
            note_use(grant)
            return _admitted(asked, client, bot, grant)
        case Refresh():
            ask_refresh(grant)
            if not may_wait:
                raise refresh_in_progress(grant)
            return grant
        case Reauthorize() as over:
            raise reauthorization_required(over, client=client)


def _admitted(asked: Asked, client: ApiClient, bot: Bot, grant: UserToken | None) -> Admitted:
    use = TokenUse(
        bot=bot,
        client=client,
        caller=client.name,
        kind=UseKind.CALL,
        tenant_key=grant.tenant_key if grant else "",
        open_id=grant.open_id if grant else "",
        generation=grant.generation if grant else None,
        method=asked.target.method,
        path=storable(asked.target.path, 500),
    )
    return Admitted(client, bot, bot.credentials, grant, use, grant.access_token if grant else "")

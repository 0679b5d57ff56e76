"""Who may send which call, and with what: looked up, and the calls written down, in one visit to the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import DataError

from auth_sessions.domain.broker import Standing, find_grant, standing_of
from auth_sessions.domain.demand import ask_refresh, note_use
from auth_sessions.domain.uses import record_calls
from auth_sessions.enums import UseKind
from auth_sessions.errors import AuthError, TokenNotFoundError
from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from feishu.credentials import AppCredentials
from feishu_portal.access.api_keys import client_of
from feishu_portal.access.keyring import SealedValueError
from feishu_portal.access.models import ApiClient
from feishu_portal.access.path_rules import allows
from feishu_portal.access.scopes import Scope
from feishu_portal.access.storable import storable
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.reauthorization import reauthorization_required
from feishu_portal.api.waiting import refresh_in_progress

AT_LEAST = timedelta(seconds=10)  # what a call may take before the platform looks at its token
ANYTHING = timedelta(seconds=1)


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
    credentials: AppCredentials
    grant: UserToken | None
    use: TokenUse
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Asking:
    """A call on its way to the database."""

    asked: Asked
    may_wait: bool


class Lookups:
    """What one visit to the database has looked up already."""

    def __init__(self) -> None:
        self._clients: dict[str, ApiClient | None] = {}
        self._bots: dict[str, Bot | None] = {}

    def client(self, key: str) -> ApiClient | None:
        if key not in self._clients:
            self._clients[key] = client_of(key) if key else None
        return self._clients[key]

    def bot(self, client: ApiClient, app_id: str) -> Bot:
        """The bot, if the client may use it; raises Problem otherwise."""
        if app_id not in self._bots:
            self._bots[app_id] = Bot.objects.filter(app_id=app_id).first()
        bot = self._bots[app_id]
        if bot is None or not client.may_use(app_id):
            raise not_found("bot")
        return bot


def admit_all(askings: Sequence[Asking]) -> list[Admitted | UserToken | Exception]:
    """For each call what `admit` says of it, or raises; those that are admitted are written down when this returns."""
    lookups = Lookups()
    results = [_result(asking, lookups) for asking in askings]
    record_calls([result.use for result in results if isinstance(result, Admitted)])
    return results


def _result(asking: Asking, lookups: Lookups) -> Admitted | UserToken | Exception:
    try:
        return admit(asking.asked, lookups, may_wait=asking.may_wait)
    except (Problem, DataError) as error:
        return error


def admit(asked: Asked, lookups: Lookups, *, may_wait: bool) -> Admitted | UserToken:
    """The call, to be written down; or the grant that is being refreshed, for the caller to wait for. Raises Problem."""
    client = lookups.client(asked.key)
    if client is None:
        raise unauthenticated()
    permitted(client, Scope.PROXY_USER if asked.target.open_id else Scope.PROXY_APP)
    if asked.fall_back:
        permitted(client, Scope.PROXY_APP)
    bot = lookups.bot(client, asked.target.app_id)
    if not allows(client.proxy_paths, asked.target.method, asked.target.segments):
        raise Problem(403, "path_not_allowed", "None of the API client's path rules allows this call.")
    if not bot.enabled:
        raise Problem(409, "bot_disabled", "The bot is disabled.")
    try:
        return _admit(asked, client, bot, may_wait=may_wait)
    except SealedValueError:
        raise Problem(
            503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens what this call needs."
        ) from None


def _admit(asked: Asked, client: ApiClient, bot: Bot, *, may_wait: bool) -> Admitted | UserToken:
    if not asked.target.open_id:
        return _admitted(asked, client, bot, None)
    try:
        grant = _usable(asked, client, bot, may_wait=may_wait)
    except Problem:
        if asked.fall_back:
            return _admitted(asked, client, bot, None)
        raise
    if standing_of(grant, at_least=ANYTHING) is not Standing.USABLE:
        return grant
    note_use(grant)
    return _admitted(asked, client, bot, grant)


def _usable(asked: Asked, client: ApiClient, bot: Bot, *, may_wait: bool) -> UserToken:
    """The grant: usable, or being refreshed where ``may_wait``. Raises Problem."""
    try:
        grant = find_grant(bot=bot, open_id=asked.target.open_id, tenant_key=asked.tenant_key)
    except AuthError as error:
        status = 404 if isinstance(error, TokenNotFoundError) else 409
        raise Problem(status, error.code, str(error)) from None
    standing = standing_of(grant, at_least=AT_LEAST)
    if standing is Standing.REFRESHABLE:
        ask_refresh(grant)
        if not may_wait and standing_of(grant, at_least=ANYTHING) is not Standing.USABLE:
            raise refresh_in_progress(grant)
    if standing is Standing.OVER and standing_of(grant, at_least=ANYTHING) is Standing.OVER:
        raise reauthorization_required(grant, client=client)
    return grant


def _admitted(asked: Asked, client: ApiClient, bot: Bot, grant: UserToken | None) -> Admitted:
    use = TokenUse(
        bot=bot,
        client=client.name,
        kind=UseKind.CALL,
        tenant_key=grant.tenant_key if grant else "",
        open_id=grant.open_id if grant else "",
        generation=grant.generation if grant else None,
        method=asked.target.method,
        path=storable(asked.target.path, 500),
    )
    return Admitted(client, bot.credentials, grant, use, grant.access_token if grant else "")


def read(grant_id: UUID) -> UserToken | None:
    """The grant as it is now."""
    return UserToken.objects.filter(pk=grant_id).first()

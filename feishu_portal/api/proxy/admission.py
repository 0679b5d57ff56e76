"""Which calls a caller may send, and with which token."""

from dataclasses import dataclass, field
from typing import Protocol

from auth_sessions.domain.tokens.decision import Reauthorize, Refresh, Use, decide_for_call
from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.enums import UseKind
from auth_sessions.errors import AuthError
from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import ApiClient
from core.access.path_rules import allows
from core.access.scopes import Scope
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.credentials import AppCredentials
from feishu.outgoing import Route
from feishu_portal.api.grants import grant_problem
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.reauthorization import reauthorization_required
from feishu_portal.api.refresh_wait import no_token_yet


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One request, as the caller sent it."""

    key: str = field(repr=False)
    target: Target
    tenant_key: str = ""
    may_fall_back: bool = False
    """Where the person cannot be acted for, the bot may act as itself."""
    may_wait: bool = True
    """The caller can wait for a refresh."""
    address: str = ""
    """Where it came from."""
    agent: str = ""
    """What the agent is called that sends it, where a person connected that."""


@dataclass(frozen=True, slots=True)
class AdmittedCall:
    """A call that may be sent; ``use`` is its entry in the audit log.

    It is sent with ``token``, the person's. Where the bot acts as itself, ``grant`` is None, and its own token has to be
    fetched with ``credentials``.
    """

    client: ApiClient
    bot: Bot
    grant: UserToken | None
    use: TokenUse
    route: Route
    token: str = field(default="", repr=False)
    credentials: AppCredentials | None = None


class AdmissionRows(Protocol):
    """Where an admission reads its rows."""

    def client(self, key: str) -> ApiClient | None: ...

    def bot(self, app_id: str) -> Bot | None: ...

    def grant(self, bot: Bot, request: CallRequest) -> UserToken:
        """The person's; raises AuthError."""
        ...


def admit(request: CallRequest, rows: AdmissionRows) -> AdmittedCall | UserToken:
    """The call, not yet in the audit log; or the grant that is being refreshed, for the caller to wait for.

    Raises Problem.
    """
    client = rows.client(request.key)
    if client is None:
        raise unauthenticated()
    permitted(client, Scope.PROXY_USER if request.target.person else Scope.PROXY_APP)
    if request.may_fall_back:
        permitted(client, Scope.PROXY_APP)
    bot = rows.bot(request.target.app_id)
    if bot is None or not client.may_use(bot.pk):
        raise not_found("bot")
    if not allows(client.proxy_paths, request.target.method, request.target.segments):
        raise Problem(403, "path_not_allowed", "None of the API client's path rules allows this call.")
    if not bot.enabled:
        raise Problem(409, "bot_disabled", "The bot is disabled.")
    try:
        return _admit(request, rows, client, bot)
    except SealedValueError:
        raise Problem(
            503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens what this call needs."
        ) from None


def _admit(
    request: CallRequest, rows: AdmissionRows, client: ApiClient, bot: Bot
) -> AdmittedCall | UserToken:
    if not request.target.person:
        return _admitted(request, client, bot, None)
    try:
        return _admit_for_person(request, rows, client, bot)
    except Problem:
        if request.may_fall_back:
            return _admitted(request, client, bot, None)
        raise


def _admit_for_person(
    request: CallRequest, rows: AdmissionRows, client: ApiClient, bot: Bot
) -> AdmittedCall | UserToken:
    """The call with the person's token; or the grant, being refreshed, where the caller can wait for it. Raises Problem."""
    try:
        grant = rows.grant(bot, request)
    except AuthError as error:
        raise grant_problem(error, bot=bot, person=request.target.person, client=client) from None
    match decide_for_call(grant):
        case Use(_, ends_soon):
            if ends_soon:
                request_refresh(grant)
            note_use(grant)
            return _admitted(request, client, bot, grant)
        case Refresh(_, later):
            request_refresh(grant)
            if later is not None or not request.may_wait:
                raise no_token_yet(grant, later)
            return grant
        case Reauthorize() as over:
            raise reauthorization_required(over, actor=Actor.api(client).at(request.address))


def _admitted(request: CallRequest, client: ApiClient, bot: Bot, grant: UserToken | None) -> AdmittedCall:
    use = TokenUse(
        bot=bot,
        client=client,
        caller=f"{client.name} · {request.agent}"[:100] if request.agent else client.name,
        kind=UseKind.CALL,
        tenant_key=grant.tenant_key if grant else "",
        open_id=grant.open_id if grant else "",
        generation=grant.generation if grant else None,
        method=request.target.method,
        path=storable(request.target.path, 500),
    )
    if grant is None:
        credentials = bot.credentials
        return AdmittedCall(client, bot, None, use, route=credentials.route, credentials=credentials)
    # The App Secret stays sealed: it takes as long to open as the token.
    return AdmittedCall(client, bot, grant, use, route=bot.route, token=grant.access_token)

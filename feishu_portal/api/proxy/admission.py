"""Which calls a caller may send, and with which token."""

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from auth_sessions.domain.tokens.decision import Reauthorize, Refresh, Use, decide_for_call
from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.enums import UseKind
from auth_sessions.errors import AuthError
from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from core.access.actors import Actor
from core.access.call_contents import CallContents
from core.access.models import ApiClient
from core.access.path_rules import Effect, Ruling, judge
from core.access.scopes import Scope
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.credentials import AppCredentials
from feishu.outgoing import Route
from feishu_portal.api.grants import grant_problem
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.own_cards import needs_contents, refuse_change
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.reauthorization import reauthorization_required
from feishu_portal.api.refresh_wait import no_token_yet
from feishu_portal.approvals.asking import CallInQuestion
from feishu_portal.approvals.models import CallApproval


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
    agent_key: str = ""
    """Its primary key: names are the agents' own to choose."""
    contents: CallContents | None = None
    """Read where a rule goes by them."""
    approval: CallApproval | None = None
    """The call was approved, and is sent now for the client that asked; there is no key."""

    @property
    def caller(self) -> str:
        """By whom calls and waits are counted: the key, or, whichever of their agents sends it, the person who connected it."""
        if self.agent_key:
            return f"{self.target.app_id}/{self.target.person}"
        return hashlib.sha256(self.key.encode()).hexdigest()


class ContentsWanted(Exception):
    """What stands in the call has to be read first: a rule goes by it, or it may be about a card of the portal's own."""


class ApprovalNeeded(Exception):
    """A rule says that the person is asked first."""

    def __init__(self, question: CallInQuestion) -> None:
        super().__init__(question.rule)
        self.question = question


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

    def client_of(self, approval: CallApproval) -> ApiClient | None:
        """Whose call was approved, if its key is still good."""
        ...

    def is_covered(self, question: CallInQuestion) -> bool:
        """Whether such calls are approved for now."""
        ...


def admit(request: CallRequest, rows: AdmissionRows) -> AdmittedCall | UserToken:
    """The call, not yet in the audit log; or the grant that is being refreshed, for the caller to wait for.

    Raises Problem, ContentsWanted, ApprovalNeeded.
    """
    client = rows.client_of(request.approval) if request.approval else rows.client(request.key)
    if client is None:
        raise unauthenticated()
    permitted(client, Scope.PROXY_USER if request.target.person else Scope.PROXY_APP)
    if request.may_fall_back:
        permitted(client, Scope.PROXY_APP)
    bot = rows.bot(request.target.app_id)
    if bot is None or not client.may_use(bot.pk):
        raise not_found("bot")
    ruling = judge(client.proxy_paths, request.target.method, request.target.segments, request.contents)
    if ruling.effect is Effect.DENY:
        raise Problem(403, "path_not_allowed", "The API client's path rules do not allow this call.")
    if ruling.effect is not Effect.ALLOW and request.contents is None:
        raise ContentsWanted
    if not bot.enabled:
        raise Problem(409, "bot_disabled", "The bot is disabled.")
    try:
        return _admit(request, rows, client, bot, ruling)
    except SealedValueError:
        raise Problem(
            503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens what this call needs."
        ) from None


def _admit(
    request: CallRequest, rows: AdmissionRows, client: ApiClient, bot: Bot, ruling: Ruling
) -> AdmittedCall | UserToken:
    if not request.target.person:
        return _admit_as_bot(request, client, bot, ruling)
    try:
        return _admit_for_person(request, rows, client, bot, ruling)
    except Problem:
        if request.may_fall_back:
            return _admit_as_bot(request, client, bot, ruling)
        raise


def _admit_as_bot(request: CallRequest, client: ApiClient, bot: Bot, ruling: Ruling) -> AdmittedCall:
    if ruling.effect is Effect.ASK:
        detail = "A rule says that a person approves this call, and the bot makes it for nobody."
        raise Problem(403, "approval_impossible", detail, sent="no")
    if needs_contents(request.target) and request.contents is None:
        raise ContentsWanted
    refuse_change(request.target, request.contents, bot)
    return _admitted(request, client, bot, None)


def _admit_for_person(
    request: CallRequest, rows: AdmissionRows, client: ApiClient, bot: Bot, ruling: Ruling
) -> AdmittedCall | UserToken:
    """The call with the person's token; or the grant, being refreshed, where the caller can wait for it. Raises Problem,
    ApprovalNeeded."""
    try:
        grant = rows.grant(bot, request)
    except AuthError as error:
        raise grant_problem(error, bot=bot, person=request.target.person, client=client) from None
    decision = decide_for_call(grant)
    if ruling.effect is Effect.ASK and not isinstance(decision, Reauthorize):
        _require_approval(request, rows, client, grant, ruling)
    match decision:
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


def _require_approval(
    request: CallRequest, rows: AdmissionRows, client: ApiClient, grant: UserToken, ruling: Ruling
) -> None:
    """Raises ApprovalNeeded where the person has approved neither this call nor such calls."""
    if request.approval is not None:
        return
    question = CallInQuestion(
        client=client,
        agent=request.agent,
        agent_key=request.agent_key,
        bot=grant.bot,
        tenant_key=grant.tenant_key,
        open_id=grant.open_id,
        rule=ruling.rule,
        method=request.target.method,
        path=request.target.path,
        contents=request.contents or CallContents(),
    )
    if not rows.is_covered(question):
        raise ApprovalNeeded(question)


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

"""The rows that admissions go by: read now, or cached from an earlier call.

A cached row is trusted only if its version is still the same, which the statement that audits the call finds out.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from django.utils import timezone

from auth_sessions.domain.agents import tokens as agents
from auth_sessions.domain.tokens import usage
from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.domain.tokens.decision import CALL_TTL, remaining
from auth_sessions.domain.tokens.optimistic_audit import AdmissionVersions
from auth_sessions.errors import TokenNotFoundError
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access import api_keys
from core.access.models import ApiClient
from core.database.row_versions import version_of, with_versions
from feishu_portal.api.proxy.admission import AdmittedCall, CallRequest
from feishu_portal.approvals import asking
from feishu_portal.approvals.asking import CallInQuestion
from feishu_portal.approvals.models import CallApproval

MAX_CACHED = 2_000  # callers, and whom they call for


class FreshRows:
    """Reads each row once for all calls of a batch."""

    def __init__(self) -> None:
        self._clients: dict[str, ApiClient | None] = {}
        self._bots: dict[str, Bot | None] = {}

    def client(self, key: str) -> ApiClient | None:
        if key not in self._clients:
            clients = with_versions(ApiClient.objects.all())
            holds = agents.client_of if key.startswith(agents.ACCESS) else api_keys.client_of
            self._clients[key] = holds(key, among=clients) if key else None
        return self._clients[key]

    def bot(self, app_id: str) -> Bot | None:
        if app_id not in self._bots:
            self._bots[app_id] = with_versions(Bot.objects.filter(app_id=app_id)).first()
        return self._bots[app_id]

    def grant(self, bot: Bot, request: CallRequest) -> UserToken:
        return find_grant(
            bot=bot,
            person=request.target.person,
            tenant_key=request.tenant_key,
            among=with_versions(UserToken.objects.all()),
        )

    def client_of(self, approval: CallApproval) -> ApiClient | None:
        is_gone = approval.agent_key and not agents.is_connected(approval.agent_key)
        if is_gone or approval.client_id is None:
            return None
        return ApiClient.objects.usable().filter(pk=approval.client_id).first()

    def is_covered(self, question: CallInQuestion) -> bool:
        return asking.is_covered(question)


@dataclass(frozen=True, slots=True)
class CachedRows:
    """The rows that admitted such a call before, their secrets sealed as in the database."""

    cached_client: ApiClient
    cached_bot: Bot
    cached_grant: UserToken | None
    versions: AdmissionVersions

    def client(self, _key: str) -> ApiClient | None:
        return self.cached_client

    def bot(self, _app_id: str) -> Bot | None:
        return self.cached_bot

    def grant(self, _bot: Bot, _request: CallRequest) -> UserToken:
        if self.cached_grant is None:
            raise TokenNotFoundError
        return self.cached_grant

    def client_of(self, _approval: CallApproval) -> ApiClient | None:
        return None  # an approval is given once

    def is_covered(self, _question: CallInQuestion) -> bool:
        return False  # that is looked up

    @property
    def is_usable(self) -> bool:
        """Whether time has not ended any of the rows, and the call is all there is to write."""
        client, grant = self.cached_client, self.cached_grant
        if client.expires_at is not None and client.expires_at <= timezone.now():
            return False
        if api_keys.is_use_to_be_noted(client):
            return False
        return grant is None or not (usage.is_use_to_be_noted(grant) or remaining(grant) < CALL_TTL)


class RowCache:
    """The rows of the latest calls."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, ...], CachedRows] = OrderedDict()

    def get(self, request: CallRequest) -> CachedRows | None:
        """The rows of such a call, if they are usable."""
        if request.approval is not None:
            return None
        rows = self._rows.get(_name(request))
        return rows if rows is not None and rows.is_usable else None

    def put(self, request: CallRequest, admitted: AdmittedCall) -> None:
        """Keep the rows that admitted the call. SQLite numbers no versions, so nothing is cached there; neither is a call
        for which the bot stepped in, since the row that is missing has no version."""
        client, bot, grant = admitted.client, admitted.bot, admitted.grant
        if request.approval is not None:
            return
        if bool(request.target.person) != bool(grant) or not version_of(client):
            return
        if grant is not None and request.target.person != grant.open_id:
            return  # another person may come to have this user_id or address, which no version shows
        versions = AdmissionVersions(
            client=(client.pk, version_of(client)),
            bot=(bot.pk, version_of(bot)),
            grant=(grant.pk, version_of(grant)) if grant else None,
            is_only_grant=grant is not None and not request.tenant_key,
        )
        name = _name(request)
        self._rows[name] = CachedRows(client, bot, grant, versions)
        self._rows.move_to_end(name)
        if len(self._rows) > MAX_CACHED:
            self._rows.popitem(last=False)

    def drop(self, request: CallRequest) -> None:
        self._rows.pop(_name(request), None)


def _name(request: CallRequest) -> tuple[str, ...]:
    key = hashlib.sha256(request.key.encode()).hexdigest()
    target = request.target
    return key, target.app_id, target.person, request.tenant_key, str(request.may_fall_back)

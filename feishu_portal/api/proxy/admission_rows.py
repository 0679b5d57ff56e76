"""The rows that admissions go by: as they are looked up, and as they are remembered from the last time."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from django.utils import timezone

from auth_sessions.domain.tokens import usage
from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.domain.tokens.decision import CALL_TTL, remaining
from auth_sessions.domain.tokens.optimistic_audit import Evidence
from auth_sessions.errors import TokenNotFoundError
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access import api_keys
from core.access.models import ApiClient
from core.database.row_versions import RowVersion, version_of
from feishu_portal.api.proxy.admission import Admitted, Asked

MOST_REMEMBERED = 2_000  # callers and whom they call for


class Lookups:
    """What one visit to the database has looked up already."""

    def __init__(self) -> None:
        self._clients: dict[str, ApiClient | None] = {}
        self._bots: dict[str, Bot | None] = {}

    def client(self, key: str) -> ApiClient | None:
        if key not in self._clients:
            self._clients[key] = api_keys.client_of(key) if key else None
        return self._clients[key]

    def bot(self, app_id: str) -> Bot | None:
        if app_id not in self._bots:
            found = Bot.objects.filter(app_id=app_id).annotate(row_version=RowVersion())
            self._bots[app_id] = found.first()
        return self._bots[app_id]

    def grant(self, bot: Bot, asked: Asked) -> UserToken:
        return find_grant(bot=bot, open_id=asked.target.open_id, tenant_key=asked.tenant_key)


@dataclass(frozen=True, slots=True)
class Remembered:
    """Rows by which such a call was admitted before: sealed as they are in the database, and true only if the statement
    that writes the call down finds their versions unchanged."""

    found_client: ApiClient
    found_bot: Bot
    found_grant: UserToken | None
    evidence: Evidence

    def client(self, _key: str) -> ApiClient | None:
        return self.found_client

    def bot(self, _app_id: str) -> Bot | None:
        return self.found_bot

    def grant(self, _bot: Bot, _asked: Asked) -> UserToken:
        if self.found_grant is None:
            raise TokenNotFoundError
        return self.found_grant

    @property
    def is_of_use(self) -> bool:
        """Whether the mere passing of time has ended none of the rows, and nothing but the call is to be written down."""
        client, grant = self.found_client, self.found_grant
        if client.expires_at is not None and client.expires_at <= timezone.now():
            return False
        if api_keys.is_use_to_be_noted(client):
            return False
        return grant is None or not (usage.is_use_to_be_noted(grant) or remaining(grant) < CALL_TTL)


class Memory:
    """What admitted the calls that came last."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[tuple[str, ...], Remembered] = OrderedDict()

    def of(self, asked: Asked) -> Remembered | None:
        """What is remembered of such a call, if it is of use."""
        found = self._remembered.get(_name(asked))
        return found if found is not None and found.is_of_use else None

    def learn(self, asked: Asked, admitted: Admitted) -> None:
        """Remember what admitted the call; not where it was that something is not there, nor where versions have no
        number."""
        client, bot, grant = admitted.client, admitted.bot, admitted.grant
        if bool(asked.target.open_id) != bool(grant) or not version_of(client):
            return
        evidence = Evidence(
            client=(client.pk, version_of(client)),
            bot=(bot.pk, version_of(bot)),
            grant=(grant.pk, version_of(grant)) if grant else None,
            is_only_grant=grant is not None and not asked.tenant_key,
        )
        name = _name(asked)
        self._remembered[name] = Remembered(client, bot, grant, evidence)
        self._remembered.move_to_end(name)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    def forget(self, asked: Asked) -> None:
        self._remembered.pop(_name(asked), None)


def _name(asked: Asked) -> tuple[str, ...]:
    key = hashlib.sha256(asked.key.encode()).hexdigest()
    return key, asked.target.app_id, asked.target.open_id, asked.tenant_key, str(asked.fall_back)

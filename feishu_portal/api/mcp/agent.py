"""Who is connected: the API client of the key, and for which bot and person the connection is."""

import re
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Scope as Request

from auth_sessions.domain.agents import tokens
from auth_sessions.models import ConnectedAgent
from auth_sessions.pages.agents.metadata import challenge
from bots.models import Bot
from core.access.api_keys import client_of
from core.access.models import ApiClient
from core.access.scopes import Scope
from feishu_portal.api.keys import bearer, bot_for
from feishu_portal.api.problems import Problem, not_found, unauthenticated

SHOWN_BOTS: Final = 50
"""Bots that the schema of a tool names."""
MAX_FIELDS: Final = 10
"""In the query of an agent's address."""
_BOT: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PERSON: Final = re.compile(r"(?!\.+$)[0-9A-Za-z_.+@-]{1,128}")


@dataclass(frozen=True, slots=True)
class Connection:
    """What a request says of itself: the key, and the bot and person that its address or its headers fix for every tool."""

    key: str = field(repr=False)
    bot: str = ""
    person: str = ""
    tenant_key: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """A connection whose key is good.

    ``bot`` is the App ID of the bot that all tools act for, ``person`` the person; empty where each call of a tool says it.
    ``bots`` are the App IDs and names of those that the key opens, the first of them. ``connected``: where a person connected
    it, by OAuth; then ``client`` is the one whose rules hold.
    """

    client: ApiClient
    connection: Connection
    bots: tuple[tuple[str, str], ...]
    bot: str
    person: str
    connected: ConnectedAgent | None = None

    def may(self, *scopes: Scope) -> bool:
        """Whether the key holds one of ``scopes``."""
        return any(self.client.may(scope) for scope in scopes)

    @property
    def may_act_as_a_person(self) -> bool:
        return self.client.may(Scope.PROXY_USER)

    @property
    def may_act_as_the_bot(self) -> bool:
        """A connection that is for one person acts as nobody else."""
        return self.client.may(Scope.PROXY_APP) and not self.person


def connection_of(request: Request) -> Connection:
    """Raises Problem."""
    headers: dict[bytes, bytes] = dict(request["headers"])
    try:
        query = parse_qs(request["query_string"].decode("latin-1"), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Problem(400, "invalid_request", f"A query has {MAX_FIELDS} fields at most.") from None

    def said(name: str) -> str:
        header = headers.get(f"feishu-portal-{name}".encode(), b"").decode("latin-1").strip()
        return header or query.get(name, [""])[0]

    person = said("person")
    if person and not _PERSON.fullmatch(person):
        raise Problem(400, "invalid_request", "person is an open_id, union_id, user_id or e-mail address.")
    bot = said("bot")
    if bot and not _BOT.fullmatch(bot):
        raise not_found("bot")
    return Connection(
        key=bearer(headers.get(b"authorization", b"").decode("latin-1")),
        bot=bot,
        person=person,
        tenant_key=said("tenant")[:64],
    )


def agent_of(connection: Connection) -> Agent:
    """Queries the database. Raises Problem."""
    if connection.key.startswith(tokens.ACCESS):
        return _connected_by_a_person(connection)
    client = client_of(connection.key) if connection.key else None
    if client is None:
        raise unauthenticated(challenge())
    fixed = bot_for(client, connection.bot).app_id if connection.bot else ""
    rows = Bot.objects.order_by("app_id")
    if not client.all_bots:
        rows = rows.filter(pk__in=client.bot_ids)
    bots = tuple(rows.values_list("app_id", "name")[:SHOWN_BOTS])
    only = bots[0][0] if len(bots) == 1 else ""
    return Agent(client, connection, bots, bot=fixed or only, person=connection.person)


def _connected_by_a_person(connection: Connection) -> Agent:
    """It acts as that person with that bot, whatever its requests say. Raises Problem."""
    connected, client = tokens.agent_of(connection.key), tokens.client_of(connection.key)
    if connected is None or client is None:
        raise unauthenticated(challenge())
    bot = connected.bot
    if connection.bot not in {"", bot.app_id} or connection.person not in {"", connected.open_id}:
        raise Problem(403, "not_permitted", "The agent is connected for another bot or person.")
    own = replace(connection, bot=bot.app_id, person=connected.open_id, tenant_key=connected.tenant_key)
    bots = ((bot.app_id, bot.name),)
    return Agent(client, own, bots, bot=bot.app_id, person=connected.open_id, connected=connected)

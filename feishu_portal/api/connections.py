"""The routes under ``/api/feishu``: bots' long connections, in the shapes that older systems expect of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, cast

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Schema, Status
from ninja.security import SessionAuth
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from bots.connections.control import bring_to_connection, disconnect
from bots.connections.status import BotStatus, ConnectionState, statuses
from bots.errors import BotNotFound
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import ApiClient, User
from core.access.scopes import Scope
from core.access.second_factors.policy import is_due
from core.log_context import add_to_log
from core.remote_address import address_of
from feishu_portal import __version__
from feishu_portal.api.base import StableAPI
from feishu_portal.api.keys import ApiKey, bot_named, permitted
from feishu_portal.api.paging import page_of
from feishu_portal.api.problems import Problem, install

TAG: Final = "long connections"
MAX_LIMIT: Final = 1000
"""Bots on one page of statuses."""


class Operator(SessionAuth):
    """A signed-in operator; what changes something needs the CSRF token, as a form would."""

    def __call__(self, request: HttpRequest) -> Any | None:
        """None for a caller that sent a key or has no session: 401 tells it more than a missing CSRF token."""
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        return super().__call__(request) if has_session and not request.headers.get("Authorization") else None

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:  # noqa: ARG002 -- ninja's signature
        user = request.user
        if not isinstance(user, User) or not (user.is_active and user.is_staff):
            return None
        return None if is_due(user, request.session) else user


class Shape(Schema):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Refused(Schema):
    """The same for a bot that is not there and for one that is somebody else's."""

    success: bool
    error: str


REFUSED: Final = {"success": False, "error": "Bot not found or disabled"}


class Controlled(Shape):
    success: bool
    bot_id: str
    status: ConnectionState


class BotConnection(Shape):
    """``error`` is there where something is wrong; beside ``connected`` it is a warning. Times are ISO 8601 in UTC."""

    bot_id: str
    state: ConnectionState
    connected_at: str | None
    """Since when the longest of the bot's connections has been open."""
    last_heartbeat: str | None
    error: str = ""
    next_attempt: str = ""
    """When the next attempt to connect begins; there while one is waited for."""


class BotConnections(Schema):
    """``next_cursor`` is null on the last page."""

    connections: list[BotConnection]
    next_cursor: str | None


api = StableAPI(
    title="Feishu Portal: long connections",
    version=__version__,
    auth=[ApiKey(), Operator()],
    urls_namespace="feishu",
    docs_url=None,
    openapi_url=None,
)
install(api)


@api.post(
    "/bots/{bot_id}/ws/connect",
    response={200: Controlled, 400: Refused},
    by_alias=True,
    tags=[TAG],
    summary="Connect a bot",
)
def connect_bot(request: HttpRequest, bot_id: str) -> Status[Any]:
    """Open the bot's connections, and replace those that are open. A bot whose events come by webhook is brought to the long
    connection."""
    return _control(request, bot_id, bring_to_connection, ConnectionState.CONNECTING)


@api.post(
    "/bots/{bot_id}/ws/disconnect",
    response={200: Controlled, 400: Refused},
    by_alias=True,
    tags=[TAG],
    summary="Disconnect a bot",
)
def disconnect_bot(request: HttpRequest, bot_id: str) -> Status[Any]:
    """Close the bot's connections until it is connected again."""
    return _control(request, bot_id, disconnect, ConnectionState.DISCONNECTED)


@api.get(
    "/bots/{bot_id}/ws/status",
    response={200: BotConnection, 400: Refused},
    by_alias=True,
    exclude_unset=True,
    tags=[TAG],
    summary="How a bot's connections are",
)
def bot_status(request: HttpRequest, bot_id: str) -> Status[Any]:
    """How the bot's connections are, taken together."""
    try:
        bot = _bot(request, bot_id, Scope.BOTS_READ)
    except BotNotFound:
        return Status(400, REFUSED)
    [status] = statuses([bot])
    return Status(200, _shape(status))


@api.get(
    "/ws/status",
    response=BotConnections,
    by_alias=True,
    exclude_unset=True,
    tags=[TAG],
    summary="How all bots' connections are",
)
def all_statuses(
    request: HttpRequest, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT, cursor: str = ""
) -> dict[str, Any]:
    """The caller's bots by App ID, at most ``limit``; ``cursor`` is the last answer's ``next_cursor``."""
    caller = _caller(request, Scope.BOTS_READ)
    bots = Bot.objects.filter(app_id__gt=cursor).order_by("app_id")
    if isinstance(caller, User):
        bots = bots.visible_to(caller)
    elif not caller.all_bots:
        bots = bots.filter(pk__in=caller.bot_ids)
    page, last = page_of(bots, limit)
    return {
        "connections": [_shape(status) for status in statuses(page)],
        "next_cursor": last.app_id if last else None,
    }


def _control(
    request: HttpRequest, bot_id: str, verb: Callable[..., None], state: ConnectionState
) -> Status[Any]:
    caller = cast("ApiClient | User", request.auth)  # type: ignore[attr-defined]
    if isinstance(caller, User) and not caller.may_manage:
        raise Problem(403, "not_permitted", "The operator's role changes nothing.")
    actor = Actor.operator(caller) if isinstance(caller, User) else Actor.api(caller)
    try:
        bot = _bot(request, bot_id, Scope.BOTS_MANAGE)
        verb([bot], actor=actor.at(address_of(request)))
    except BotNotFound:
        return Status(400, REFUSED)
    return Status(200, {"success": True, "botId": str(bot.pk), "status": state})


def _shape(status: BotStatus) -> dict[str, Any]:
    diagnosis = status.diagnosis()
    return {
        "botId": str(status.bot.pk),
        "state": status.health.state,
        "connectedAt": _iso(status.connected_at),
        "lastHeartbeat": _iso(status.last_heartbeat_at),
        **({"error": diagnosis.text} if diagnosis else {}),
        **({"nextAttempt": _iso(status.next_attempt_at)} if status.next_attempt_at else {}),
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def _caller(request: HttpRequest, scope: Scope) -> ApiClient | User:
    caller = cast("ApiClient | User", request.auth)  # type: ignore[attr-defined]
    return permitted(caller, scope) if isinstance(caller, ApiClient) else caller


def _bot(request: HttpRequest, bot_id: str, scope: Scope) -> Bot:
    """The caller's bot; raises BotNotFound also for one that exists and is somebody else's."""
    caller = _caller(request, scope)
    bot = bot_named(bot_id)
    if bot is None:
        raise BotNotFound(bot_id)
    is_own = (
        Bot.objects.visible_to(caller).filter(pk=bot.pk).exists()
        if isinstance(caller, User)
        else caller.may_use(bot.pk)
    )
    if not is_own:
        raise BotNotFound(bot_id)
    add_to_log(app_id=bot.app_id)
    return bot

"""The routes under ``/api/feishu``: bots' long connections, in the shapes that older systems expect of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from ninja import NinjaAPI, Status
from ninja.security import SessionAuth

from bots.connections.control import BotConnection, ConnectionState, connect, disconnect, states_of
from bots.errors import BotNotFound
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import ApiClient, User
from core.access.scopes import Scope
from feishu_portal import __version__
from feishu_portal.api.keys import ApiKey, bot_named
from feishu_portal.api.problems import Problem, install

NOT_FOUND = {"success": False, "error": "Bot not found or disabled"}
MAX_BOTS = 1000


class Operator(SessionAuth):
    """A signed-in operator; what changes something needs the CSRF token, as a form would."""

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:  # noqa: ARG002 -- ninja's signature
        user = request.user
        return user if isinstance(user, User) and user.is_active and user.is_staff else None


api = NinjaAPI(
    title="Feishu Portal: long connections",
    version=__version__,
    auth=[ApiKey(), Operator()],
    urls_namespace="feishu",
    docs_url=None,
    openapi_url=None,
)
install(api)

Answer = dict[str, Any]


@api.post("/bots/{bot_id}/ws/connect", response={200: Answer, 400: Answer})
def connect_bot(request: HttpRequest, bot_id: str) -> Status[Answer]:
    """Hold the bot's connections, and make those that exist anew."""
    return _control(request, bot_id, connect, ConnectionState.CONNECTING)


@api.post("/bots/{bot_id}/ws/disconnect", response={200: Answer, 400: Answer})
def disconnect_bot(request: HttpRequest, bot_id: str) -> Status[Answer]:
    """Let go of the bot's connections until it is connected again."""
    return _control(request, bot_id, disconnect, ConnectionState.DISCONNECTED)


@api.get("/bots/{bot_id}/ws/status", response={200: Answer, 400: Answer})
def bot_status(request: HttpRequest, bot_id: str) -> Status[Answer]:
    try:
        bot = _bot(request, bot_id, Scope.BOTS_READ)
    except BotNotFound:
        return Status(400, NOT_FOUND)
    [connection] = states_of([bot])
    return Status(200, _status(connection))


@api.get("/ws/status", response=Answer)
def all_statuses(request: HttpRequest) -> Answer:
    """Every bot of the caller, at most a thousand."""
    caller = _caller(request, Scope.BOTS_READ)
    bots = Bot.objects.order_by("app_id")
    if isinstance(caller, User):
        bots = bots.visible_to(caller)
    elif not caller.all_bots:
        bots = bots.filter(app_id__in=caller.app_ids)
    return {"connections": [_status(connection) for connection in states_of(list(bots[:MAX_BOTS]))]}


def _control(
    request: HttpRequest, bot_id: str, verb: Callable[..., None], state: ConnectionState
) -> Status[Answer]:
    try:
        bot = _bot(request, bot_id, Scope.BOTS_MANAGE)
        verb([bot], actor=_actor(request))
    except BotNotFound:
        return Status(400, NOT_FOUND)
    return Status(200, {"success": True, "botId": str(bot.pk), "status": state.value})


def _status(connection: BotConnection) -> Answer:
    answer = {
        "botId": str(connection.bot.pk),
        "state": connection.state.value,
        "connectedAt": _iso(connection.connected_at),
        "lastHeartbeat": _iso(connection.last_heartbeat_at),
    }
    return answer | {"error": connection.error} if connection.error else answer


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def _caller(request: HttpRequest, scope: Scope) -> ApiClient | User:
    caller = cast("ApiClient | User", request.auth)  # type: ignore[attr-defined]
    if isinstance(caller, ApiClient) and not caller.may(scope):
        raise Problem(403, "not_permitted", f"The API key lacks the scope {scope.value}.", scope=scope.value)
    return caller


def _actor(request: HttpRequest) -> Actor:
    caller = cast("ApiClient | User", request.auth)  # type: ignore[attr-defined]
    return Actor.operator(caller) if isinstance(caller, User) else Actor.api(caller)


def _bot(request: HttpRequest, bot_id: str, scope: Scope) -> Bot:
    """The caller's bot; raises BotNotFound also for one that exists and is somebody else's."""
    caller = _caller(request, scope)
    bot = bot_named(bot_id)
    if bot is None:
        raise BotNotFound(bot_id)
    mine = (
        Bot.objects.visible_to(caller).filter(pk=bot.pk).exists()
        if isinstance(caller, User)
        else caller.may_use(bot.app_id)
    )
    if not mine:
        raise BotNotFound(bot_id)
    return bot

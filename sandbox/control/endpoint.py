"""From JSON to a typed request and back."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.config import AppConfig, PersonConfig
from sandbox.errors import ControlError
from sandbox.state import Sandbox, sandbox_of
from sandbox.world.messages import Message
from sandbox.world.world import World

MAX_DIGITS: Final = 9

S = TypeVar("S", bound=Struct)


class ControlRoute(Route):
    """A route of the control API, and what its document says: the shape of its body and the names in its query."""

    methods: set[str]

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        methods: Collection[str],
        handler: Callable[..., Awaitable[Any]],
        shape: type[Struct] | None,
        query: Collection[str] = (),
    ) -> None:
        super().__init__(f"/sandbox/api/{path}", endpoint, methods=list(methods))
        self.name_in_api = path
        self.handler = handler
        self.shape = shape
        self.query = query


def command(
    path: str,
    shape: type[S],
    handler: Callable[[Sandbox, S], Awaitable[Any]],
    *,
    methods: Collection[str] = ("POST",),
) -> ControlRoute:
    """A route whose body has a shape; 400 with `{"error"}` when it has another."""

    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = msgspec.json.decode(raw or b"{}", type=shape)
            return reply(await handler(sandbox_of(request), body))
        except msgspec.MsgspecError as error:
            return reply({"error": str(error)}, status=400)
        except ControlError as error:
            return reply({"error": error.message}, status=error.status)

    return ControlRoute(path, endpoint, methods=methods, handler=handler, shape=shape)


def question(
    path: str,
    handler: Callable[[Sandbox, Request], Awaitable[Any]],
    *,
    methods: Collection[str] = ("GET",),
    shape: type[Struct] | None = None,
    query: Collection[str] = (),
) -> ControlRoute:
    """A route without a body, or whose handler reads a body of `shape` by itself."""

    async def endpoint(request: Request) -> Response:
        try:
            return reply(await handler(sandbox_of(request), request))
        except ControlError as error:
            return reply({"error": error.message}, status=error.status)

    return ControlRoute(path, endpoint, methods=methods, handler=handler, shape=shape, query=query)


def reply(body: Any, *, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def number(request: Request, name: str, default: int) -> int:
    """A number of up to nine digits in the query."""
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise ControlError(f"{name} is not a number")
    return int(text)


def known_app(world: World, app_id: str) -> AppConfig:
    app = world.apps.get(app_id)
    if app is None:
        raise ControlError(f"there is no app {app_id}", status=404)
    return app


def known_person(world: World, person_id: str) -> PersonConfig:
    person = world.people.get(person_id)
    if person is None:
        raise ControlError(f"there is no person {person_id}", status=404)
    return person


def known_message(world: World, message_id: str) -> Message:
    message = world.mailbox.get(message_id)
    if message is None:
        raise ControlError(f"there is no message {message_id}", status=404)
    return message

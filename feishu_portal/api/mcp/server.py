"""What agents are answered: who asks, and how much at once, before anything of the protocol is loaded."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Final, Self

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.background.limits import ConcurrencyLimits
from core.background.per_loop import PerLoop
from core.background.request_bodies import BodyReader, BodyTooLargeError, BodyTooSlowError, received
from core.console.live.viewers import is_from_own_page
from core.database.thread import DatabaseThread
from core.log_context import add_to_log
from feishu_portal.api.endpoint import asked
from feishu_portal.api.mcp.acting import Applications
from feishu_portal.api.mcp.agent import Agent, agent_of, connection_of
from feishu_portal.api.problems import Problem, not_found

if TYPE_CHECKING:
    from feishu_portal.api.mcp.protocol import Protocol

PREFIX: Final = "/mcp"
PROTOCOL: Final = "feishu_portal.api.mcp.protocol"
MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request: a file of 1 MB in base64, and what is around it."""
MAX_CALLS: Final = 200
"""Requests under way in one process. A client has a quarter of them, and so have all agents that one person connected; agents that
people connected have half of them together, so that they leave room for the keys of clients."""
BODY_SECONDS: Final = 30.0
FIRST_BYTE_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 5.0
_OF_PEOPLE: Final = object()


class McpServer:
    """Serves the agents of one event loop. An async context manager, to be kept for a loop.

    ``proxy`` and ``rest`` are the applications by which tools do what they do.
    """

    def __init__(self, *, proxy: ASGIApp, rest: ASGIApp) -> None:
        self._protocols = PerLoop(partial(_protocol, Applications(proxy, rest)), name="mcp-protocol")
        self._bodies = BodyReader()
        self._database = DatabaseThread("mcp", patience=STATEMENT_SECONDS)
        self._limits = ConcurrencyLimits()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        try:
            await self._protocols.close()
        finally:  # also where the loop's end cancels both
            await self._database.close()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Problem, or ClientDisconnect when nobody waits for an answer."""
        _check(scope)
        body = await self._body(Request(scope, receive))
        connection = connection_of(scope)
        agent = await asked(self._database, partial(agent_of, connection))
        add_to_log(client=agent.client.name)
        with self._place(agent):
            await asyncio.to_thread(import_module, PROTOCOL)  # which takes a second, the first time
            protocol = await self._protocols.current()
            await protocol.answer(agent, scope, received(body, receive), partial(_unstored, send=send))

    @contextmanager
    def _place(self, agent: Agent) -> Iterator[None]:
        """Among the requests under way; raises Problem where there are too many."""
        full = Problem(
            429, "too_many_calls", "Too many requests are under way.", headers={"Retry-After": "1"}
        )
        with ExitStack() as places:
            taker: object = agent.client.pk
            if agent.connected is not None:
                taker = agent.bot, agent.person
                places.enter_context(self._limits.place(_OF_PEOPLE, limit=max(1, MAX_CALLS // 2), full=full))
            places.enter_context(self._limits.fair_place(taker, limit=MAX_CALLS, full=full))
            yield

    async def _body(self, request: Request) -> bytes:
        try:
            return await self._bodies.read(
                request,
                limit=MAX_BODY,
                places=MAX_CALLS,
                seconds=BODY_SECONDS,
                first_seconds=FIRST_BYTE_SECONDS,
            )
        except BodyTooLargeError:
            close = {"Connection": "close"}
            raise Problem(
                413, "body_too_large", f"A body may have {MAX_BODY} bytes.", headers=close
            ) from None
        except BodyTooSlowError:
            close = {"Connection": "close"}
            raise Problem(408, "body_too_slow", "The body did not come in time.", headers=close) from None


async def _unstored(message: Message, *, send: Send) -> None:
    """Send the message of an answer; no cache on the way keeps it."""
    if message["type"] == "http.response.start":
        headers = [*message.get("headers", ()), (b"cache-control", b"no-store")]
        message = {**message, "headers": headers}
    await send(message)


def _check(scope: Scope) -> None:
    """Raises Problem for what is no request of an agent."""
    if scope["path"].removeprefix(scope.get("root_path", "")) not in {PREFIX, f"{PREFIX}/"}:
        raise not_found("path")
    if scope["method"] != "POST":
        # Also for the stream that a client may ask for with GET: nothing is sent but answers.
        detail = f"{scope['method']} is not possible here."
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers={"Allow": "POST"})
    names = {name for name, _value in scope["headers"]}
    if b"origin" in names and not is_from_own_page(dict(scope)):
        # A browser sends it: a page of another site must not speak with agents' keys.
        raise Problem(403, "origin_not_allowed", "The request comes from a page of another site.")


def _protocol(applications: Applications) -> "Protocol":
    from feishu_portal.api.mcp.protocol import Protocol  # noqa: PLC0415 -- only where an agent asks

    return Protocol(applications)

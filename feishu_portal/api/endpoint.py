"""Servers of the API that stand before Django, whose middleware would read bodies whole, keep a thread for each request and
not notice callers that go away."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, Protocol, TypeVar

from django.db import Error
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from core.background.per_loop import PerLoop
from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_context import log_context
from core.log_pace import THINNED
from feishu_portal.api.problems import Problem, answer_before_django, database_unavailable, internal_error

logger = logging.getLogger(__name__)

_NONE: Final[Mapping[str, str]] = {}


class Server(Protocol):
    """Serves the requests of one event loop."""

    async def serve(self, scope: Scope, receive: Receive, send: Send, /) -> None:
        """Answer one request. Raises Problem as long as no answer has begun, ClientDisconnect when nobody wants one."""


S = TypeVar("S", bound=Server)
T = TypeVar("T")


class Endpoint(Generic[S]):
    """A server as an ASGI application: opened with the first request of an event loop, closed by ``close()``, at the latest
    with the loop.

    ``name`` is that of its tasks and log lines; ``problem_headers`` go with every problem that it answers.
    """

    def __init__(
        self,
        server: Callable[[], AbstractAsyncContextManager[S]],
        *,
        name: str,
        problem_headers: Mapping[str, str] = _NONE,
    ) -> None:
        self.servers = PerLoop(server, name=f"{name}-server")
        self._name = name
        self._problem_headers = problem_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        with log_context():
            problem = await self._serve(scope, receive, noting)
        if problem is not None and not has_begun:
            await answer_before_django(problem, headers=self._problem_headers)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> Problem | None:
        """What the caller is still to be told."""
        try:
            server = await self.servers.current()
            await server.serve(scope, receive, send)
        except ClientDisconnect:
            return None
        except Problem as problem:
            return problem
        except Exception:
            logger.exception("%s_failed", self._name)
            return internal_error(sent="unknown")
        return None

    async def close(self) -> None:
        """Close the server of this event loop."""
        await self.servers.close()


async def asked(database: DatabaseThread, question: Callable[[], T]) -> T:
    """What the database says, in its thread. Raises Problem where it does not answer, besides what ``question`` raises."""
    try:
        return await database.run(question)
    except Error as error:
        logger.warning("api_database_unavailable", extra=described(error) | THINNED)
        raise database_unavailable() from None

"""Streamed replies as an ASGI application. It stands before Django, which would have the body read whole first."""

import logging

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from core.background.per_loop import PerLoop
from core.log_context import add_to_request, log_context
from feishu_portal.api.problems import CONTENT_TYPE, Problem, internal_error
from feishu_portal.api.streaming.server import ROUTE, StreamServer

logger = logging.getLogger(__name__)


class StreamEndpoint:
    """Opens a server with the first request of an event loop; it is closed by ``close()``, at the latest with the loop."""

    def __init__(self) -> None:
        self._servers = PerLoop(StreamServer, name="stream-server")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        add_to_request(route=ROUTE)
        with log_context():
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            server = await self._servers.current()
            await server.serve(scope, receive, noting)
        except ClientDisconnect:
            return
        except Problem as refused:
            problem = refused
        except Exception:
            logger.exception("stream_failed")
            problem = internal_error(sent="unknown")
        else:
            return
        if not has_begun:
            # A body that still comes is not read: the connection serves no other request.
            headers = {"Connection": "close", **problem.headers}
            response = JSONResponse(problem.body, problem.status, headers, media_type=CONTENT_TYPE)
            await response(scope, receive, send)

    async def close(self) -> None:
        """Close the server of this event loop."""
        await self._servers.close()

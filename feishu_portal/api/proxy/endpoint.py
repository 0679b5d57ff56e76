"""The proxy as an ASGI application. It stands before Django's middleware, which would read bodies whole, keep a thread for
each call and not notice callers that go away."""

import logging

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from core.background.per_loop import PerLoop
from core.log_context import log_context
from feishu_portal.api.problems import CONTENT_TYPE, Problem, internal_error
from feishu_portal.api.proxy.server import ProxyServer

logger = logging.getLogger(__name__)


class ProxyEndpoint:
    """Opens a server with the first call of an event loop; it is closed by ``close()``, at the latest with the loop."""

    def __init__(self) -> None:
        self.servers = PerLoop(ProxyServer, name="proxy-server")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with log_context():
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            server = await self.servers.current()
            await server.serve(scope, receive, noting)
        except ClientDisconnect:
            return
        except Problem as refused:
            problem = refused
        except TimeoutError:
            logger.warning("proxy_call_timed_out")
            problem = Problem(504, "upstream_failed", "The call took too long.", sent="unknown")
        except Exception:
            logger.exception("proxy_failed")
            problem = internal_error(sent="unknown")
        else:
            return
        if not has_begun:
            response = JSONResponse(
                problem.body,
                status_code=problem.status,
                headers=dict(problem.headers),
                media_type=CONTENT_TYPE,
            )
            await response(scope, receive, send)

    async def close(self) -> None:
        """Close the server of this event loop."""
        await self.servers.close()

"""The proxy as an ASGI application. It stands before Django's middleware, which would read bodies whole, keep a thread for
each call and know nothing of callers that go away."""

import asyncio
import logging

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from feishu_portal.api.problems import CONTENT_TYPE, Problem, internal_error
from feishu_portal.api.proxy.server import Desk

logger = logging.getLogger("portal.proxy")


class ProxyEndpoint:
    """What it needs is opened with the first call of an event loop and closed with the loop, or before by ``close()``."""

    def __init__(self) -> None:
        self._desks: dict[asyncio.AbstractEventLoop, Desk] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._desk().serve(scope, receive, noting)
        except ClientDisconnect:
            return
        except Problem as refused:
            problem = refused
        except TimeoutError:
            logger.warning("call_took_too_long")
            problem = Problem(504, "upstream_failed", "The call took too long.", sent="unknown")
        except Exception:
            logger.exception("proxy_failed")
            problem = internal_error(sent="unknown")
        else:
            return
        if not has_begun:
            await _answer(problem)(scope, receive, send)

    async def close(self) -> None:
        """Close what this event loop opened."""
        if desk := self._desks.get(asyncio.get_running_loop()):
            await desk.close()

    def _desk(self) -> Desk:
        loop = asyncio.get_running_loop()
        desk = self._desks.get(loop)
        if desk is None:
            desk = self._desks[loop] = Desk()
            desk.keeper.add_done_callback(lambda _keeper: self._desks.pop(loop, None))
        return desk


def _answer(problem: Problem) -> JSONResponse:
    return JSONResponse(
        problem.body, status_code=problem.status, headers=dict(problem.headers), media_type=CONTENT_TYPE
    )

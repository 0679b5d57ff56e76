"""``POST /api/feishu/webhook/<app_id>``: events, callbacks and URL verification of webhook bots, as an ASGI application.

It stands before Django's middleware: an event needs neither session nor language, and its answer is due in 3 s.
"""

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from core.background.per_loop import PerLoop
from core.log_context import log_context
from events.ingress.webhook.refusals import FAILED, Refusal, Refused
from events.ingress.webhook.server import WebhookServer

logger = logging.getLogger(__name__)

PREFIX = "/api/feishu/webhook/"


class WebhookEndpoint:
    """The application. Its server is opened with the first request of an event loop and closed with the loop, or before
    by ``close()``."""

    def __init__(self) -> None:
        self._servers = PerLoop(WebhookServer, name="webhook-server")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        app_id = route_of(scope).removeprefix(PREFIX).removesuffix("/")
        try:
            response = await self._respond(app_id, request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def close(self) -> None:
        """Close what this event loop opened."""
        await self._servers.close()

    async def _respond(self, app_id: str, request: Request) -> Response:
        with log_context():
            return await self._serve(app_id, request)

    async def _serve(self, app_id: str, request: Request) -> Response:
        server = await self._servers.current()
        try:
            return Response(await server.serve(app_id, request), media_type="application/json")
        except Refused as refused:
            server.count_refusal(refused.refusal, app_id)
            return _problem(refused.refusal)
        except ClientDisconnect:
            raise
        except Exception:
            logger.exception("webhook_failed")
            return _problem(FAILED)


def route_of(scope: Scope) -> str:
    """The path without the prefix under which a proxy serves the portal."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _problem(refusal: Refusal) -> Response:
    body = {"type": "about:blank", "status": refusal.status, "code": refusal.code}
    headers = {"Allow": "POST"} if refusal.status == 405 else None
    return JSONResponse(
        body, status_code=refusal.status, headers=headers, media_type="application/problem+json"
    )

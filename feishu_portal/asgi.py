"""The web process: ``uvicorn feishu_portal.asgi:application``."""

import os
from functools import partial
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.urls import reverse
from starlette.types import ASGIApp, Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
# Counts where this module is imported first, as under uvicorn; under runportal there are settings already.
os.environ.setdefault("PORTAL_PROCESS", "web")

django.setup(set_prefix=False)  # which the imports below need

from bots.enums import ProcessKind
from core.console.live.sockets import no_such_socket, socket_of
from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError
from events.admin.tail import SOCKET as EVENTS_SOCKET
from events.admin.tail import EventTail
from events.ingress.webhook.endpoint import PREFIX, WebhookEndpoint, route_of
from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.mcp.server import PREFIX as MCP
from feishu_portal.api.mcp.server import McpServer
from feishu_portal.api.proxy.server import ProxyServer
from feishu_portal.api.proxy.target import PREFIX as PROXY
from feishu_portal.api.streaming.server import ROUTE as STREAM
from feishu_portal.api.streaming.server import StreamServer, is_stream
from feishu_portal.front import heads, sockets
from feishu_portal.front.access_log import AccessLog
from feishu_portal.front.arrival import refusal_of_call
from feishu_portal.front.bodies import BoundedBodies
from feishu_portal.front.django_handlers import DjangoHandlers
from feishu_portal.front.passive import ActiveOnly
from feishu_portal.front.sign_ins import SignInsInTurn
from feishu_portal.logs import log_uncaught
from feishu_portal.overview.connections.badges import BadgesFeed
from feishu_portal.overview.connections.feed import BoardFeed
from feishu_portal.runtime.event_loop import watched_loop
from feishu_portal.runtime.health import LIVE, READY
from feishu_portal.runtime.observing import begin_observing
from feishu_portal.runtime.process import begin_process, end_process, process_is_ready, process_is_stopping
from feishu_portal.runtime.signals import also_on_signals

heads.install()
sockets.install()

_sign_ins = SignInsInTurn(DjangoHandlers())
_pages = BoundedBodies(_sign_ins)
_proxy = Endpoint(ProxyServer, name="proxy")
_endpoints: dict[str, WebhookEndpoint | Endpoint[Any]] = {
    PREFIX: WebhookEndpoint(),
    PROXY: _proxy,
    MCP: Endpoint(partial(McpServer, proxy=_proxy, rest=_pages), name="mcp"),
    # After a problem the rest of the body is not read: the connection serves no other request.
    STREAM: Endpoint(StreamServer, name="stream", problem_headers={"Connection": "close"}),
}
_active = {prefix: ActiveOnly(endpoint) for prefix, endpoint in _endpoints.items()}
_sockets: dict[str, ASGIApp] = {
    EVENTS_SOCKET: socket_of(EventTail),
    "/live/bots/": socket_of(BadgesFeed),
    "/live/connections/": socket_of(BoardFeed),
}


async def _portal(scope: Scope, receive: Receive, send: Send) -> None:
    """Webhooks, calls of the proxy, agents and streams to their endpoints, sockets of the console to theirs, everything else
    through Django."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _sockets.get(route_of(scope), no_such_socket)(scope, receive, send)
    else:
        route = route_of(scope)
        endpoint = next((one for prefix, one in _active.items() if route.startswith(prefix)), _pages)
        if is_stream(scope, route):
            endpoint = _active[STREAM]
        refusal = None if endpoint is _pages else refusal_of_call(scope)
        await (refusal or endpoint)(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Refuses to start with the wrong keys. Servers that offer no lifespan cancel what is open with their loop."""
    await receive()
    try:
        await sync_to_async(verify_keys)()
    except SealedValueError as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    log_uncaught()
    begin_observing("web")
    with watched_loop():
        begin_process(ProcessKind.WEB)
        also_on_signals(partial(process_is_stopping, ProcessKind.WEB))
        await send({"type": "lifespan.startup.complete"})
        process_is_ready(ProcessKind.WEB)
        await receive()
        process_is_stopping(ProcessKind.WEB)
        for endpoint in (*_endpoints.values(), _pages, _sign_ins):
            await endpoint.close()
    end_process(ProcessKind.WEB)
    await send({"type": "lifespan.shutdown.complete"})


application = AccessLog(
    _portal,
    routes={PREFIX: f"{PREFIX}<app_id>", PROXY: f"{PROXY}<app_id>/<path>", MCP: MCP}
    | {route: route for route in (*_sockets, LIVE, READY)},
    # Events, of which there may be hundreds a second; probes; files of pages; what pages ask for every few seconds where
    # there is no socket.
    quiet=(
        PREFIX,
        LIVE,
        READY,
        settings.STATIC_URL,
        *(reverse(name) for name in ("connections-changes", "bots-changes", "admin:events_event_tail_poll")),
    ),
)

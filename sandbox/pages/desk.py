"""Pages for the developer: apps to make, what steers the sandbox, what was missed."""

import inspect
import secrets
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import control
from sandbox.config import AppConfig
from sandbox.pages.routes import form_of, render
from sandbox.state import sandbox_of


async def apps(request: Request) -> Response:
    """Every app with its secret, as its developer console would show it, and a form for the next."""
    world = sandbox_of(request).world
    return render(
        request, "apps.html", apps=list(world.apps.values()), error=request.query_params.get("error", "")
    )


async def make_app(request: Request) -> Response:
    world, form = sandbox_of(request).world, await form_of(request)
    fields: dict[str, Any] = {
        "app_id": form.get("app_id") or f"cli_{secrets.token_hex(8)}",
        "redirect_urls": form.get("redirect_urls", "").split(),
    }
    fields |= {name: form[name] for name in ("app_secret", "name", "en_name") if form.get(name)}
    try:
        app = msgspec.convert(fields, AppConfig)
    except msgspec.ValidationError as error:
        return RedirectResponse(f"/sandbox/apps?{urlencode({'error': str(error)})}", status_code=303)
    if app.app_id in world.apps:
        return RedirectResponse(f"/sandbox/apps?{urlencode({'error': app.app_id})}", status_code=303)
    world.put_app(app)
    world.watchers.tell("reload")
    return RedirectResponse("/sandbox/apps", status_code=303)


async def docs(request: Request) -> Response:
    """What the control API can do."""
    return render(request, "docs.html", text=inspect.getdoc(control) or "")


async def misses(request: Request) -> Response:
    return render(request, "misses.html", misses=sandbox_of(request).world.answers.misses())


def desk_routes() -> list[BaseRoute]:
    return [
        Route("/sandbox/apps", apps, methods=["GET"]),
        Route("/sandbox/apps", make_app, methods=["POST"]),
        Route("/sandbox/docs", docs, methods=["GET"]),
        Route("/sandbox/misses", misses, methods=["GET"]),
    ]

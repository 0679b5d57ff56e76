"""Pages for the developer: what steers the sandbox, what was missed."""

import inspect

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import control
from sandbox.pages.routes import render
from sandbox.state import sandbox_of


async def docs(request: Request) -> Response:
    """What the control API can do."""
    return render(request, "docs.html", text=inspect.getdoc(control) or "")


async def misses(request: Request) -> Response:
    return render(request, "misses.html", misses=sandbox_of(request).world.answers.misses())


def developer_routes() -> list[BaseRoute]:
    return [
        Route("/sandbox/docs", docs, methods=["GET"]),
        Route("/sandbox/misses", misses, methods=["GET"]),
    ]

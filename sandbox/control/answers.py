"""Canned answers for APIs that are not imitated, and which of those were called."""

from typing import Any

from starlette.requests import Request

from sandbox.control.endpoint import ControlRoute, command, question
from sandbox.errors import ControlError
from sandbox.platform import catalogue
from sandbox.platform.routes import imitated
from sandbox.state import Sandbox
from sandbox.world.answers import MAX_ANSWERS, CannedAnswer


async def put(sandbox: Sandbox, answer: CannedAnswer) -> dict[str, Any]:
    """Answer all calls of a method and path from now on; the gateway still checks token, scope and rate."""
    if imitated(answer.method, answer.path):
        raise ControlError("this API is imitated; faults change what it answers", status=409)
    if not sandbox.world.answers.put(answer):
        raise ControlError(f"there are {MAX_ANSWERS} answers already", status=409)
    known = catalogue.find(answer.method, answer.path)
    return {"answer": answer, "exists": known is not None}


async def show(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """Every canned answer."""
    return {"answers": sandbox.world.answers.all()}


async def remove(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Remove all answers, or with `?method=` and `?path=` those of one API."""
    query = request.query_params
    return {"removed": sandbox.world.answers.remove(query.get("method"), query.get("path"))}


async def misses(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """What was called and is not here: APIs of the platform first, then paths that it has not either."""
    return {"misses": sandbox.world.answers.misses()}


def routes() -> list[ControlRoute]:
    return [
        command("answers", CannedAnswer, put, methods=["PUT"]),
        question("answers", show),
        question("answers", remove, methods=["DELETE"], query=["method", "path"]),
        question("misses", misses),
    ]

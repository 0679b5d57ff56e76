"""Every route of the control API, its document included."""

from typing import Any

from starlette.requests import Request

from sandbox.control import (
    answers,
    cast,
    consents,
    conversations,
    disturbances,
    floods,
    membership,
    overview,
    pushes,
    switches,
    templates,
)
from sandbox.control.document import document
from sandbox.control.endpoint import ControlRoute, question
from sandbox.state import Sandbox

_ROUTES = [
    *cast.routes(),
    *answers.routes(),
    *conversations.routes(),
    *membership.routes(),
    *pushes.routes(),
    *floods.routes(),
    *disturbances.routes(),
    *consents.routes(),
    *overview.routes(),
    *switches.routes(),
    *templates.routes(),
]


async def describe(_sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """The control API as an OpenAPI document."""
    return document(control_routes())


def control_routes() -> list[ControlRoute]:
    return [*_ROUTES, question("openapi.json", describe)]

"""Consent without a browser: for tests that have none."""

from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute

from sandbox.config import PersonId
from sandbox.control.endpoint import command, known_person
from sandbox.errors import ControlError
from sandbox.pages import consents
from sandbox.state import Sandbox


class Authorize(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the person does on the authorize page under this URL."""

    url: str
    person: PersonId
    decision: consents.Decision = "allow"


class Device(Struct, forbid_unknown_fields=True, kw_only=True):
    user_code: str
    person: PersonId
    decision: consents.Decision = "allow"


async def authorize(sandbox: Sandbox, wish: Authorize) -> dict[str, Any]:
    """`{"redirect"}`: where the browser would go; `{"problem"}`: the code on the error page."""
    known_person(sandbox.world, wish.person)
    try:
        asked = consents.read_url(sandbox.world, wish.url)
        return {"redirect": consents.decide(sandbox.world, asked, wish.person, wish.decision)}
    except consents.ConsentProblem as problem:
        return {"problem": problem.code, "text": problem.text.i18n()}


async def device(sandbox: Sandbox, wish: Device) -> dict[str, Any]:
    person = known_person(sandbox.world, wish.person)
    waiting = sandbox.world.authorizations.device_by_user_code(wish.user_code)
    if waiting is None:
        raise ControlError("no device waits under this code", status=404)
    consents.decide_device(sandbox.world, waiting, person.id, wish.decision)
    return {"decision": waiting.decision}


def routes() -> list[BaseRoute]:
    return [command("authorize", Authorize, authorize), command("device", Device, device)]

"""Consent without a browser: for tests that have none."""

import asyncio
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Meta, Struct

from sandbox.config import AppId, PersonConfig, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_person
from sandbox.errors import ControlError
from sandbox.pages import consents, registrations
from sandbox.state import Sandbox
from sandbox.world import ids


class Authorize(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the person does on the authorize page under this URL."""

    url: str
    person: PersonId
    decision: consents.Decision = "allow"


class Device(Struct, forbid_unknown_fields=True, kw_only=True):
    user_code: str
    person: PersonId
    decision: consents.Decision = "allow"


class Grants(Struct, forbid_unknown_fields=True, kw_only=True):
    """So many people, who appear with it, have authorized the app for these scopes."""

    app_id: AppId
    count: Annotated[int, Meta(ge=1, le=50_000)] = 1
    scopes: tuple[str, ...] = ("offline_access",)


async def grants(sandbox: Sandbox, wanted: Grants) -> dict[str, Any]:
    """`{"grants": [{"open_id", "access_token", "refresh_token"}]}`: what the app would have got for their codes."""
    world = sandbox.world
    app = known_app(world, wanted.app_id)
    given = []
    for number in range(len(world.people), len(world.people) + wanted.count):
        person = PersonConfig(id=f"person{number}", name=f"用户 {number}", en_name=f"Person {number}")
        world.put_person(person)
        world.authorizations.consent(app, person.id, wanted.scopes)
        issued = world.authorizations.issue(app, person.id, None)
        given.append(
            {
                "open_id": ids.open_id(app.app_id, person.id),
                "access_token": issued.access.value,
                "refresh_token": issued.refresh.value if issued.refresh else "",
            }
        )
        if number % 500 == 0:
            await asyncio.sleep(0)
    return {"grants": given}


async def authorize(sandbox: Sandbox, wanted: Authorize) -> dict[str, Any]:
    """`{"redirect"}`: where the browser would go; `{"problem"}`: the code on the error page."""
    known_person(sandbox.world, wanted.person)
    try:
        asked = consents.read(sandbox.world, _query_of(wanted.url))
        return {"redirect": consents.decide(sandbox.world, asked, wanted.person, wanted.decision)}
    except consents.ConsentProblem as problem:
        return {"problem": problem.code, "text": problem.text.i18n()}


class Register(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the person does on the page under this URL, which the QR code of an app registration holds.

    `name`: of the new app. `app_id`: an app that they choose in its place.
    """

    url: str
    person: PersonId
    decision: consents.Decision = "allow"
    name: str = ""
    app_id: str = ""


async def register(sandbox: Sandbox, wanted: Register) -> dict[str, Any]:
    """`{"app_id"}`: of the app that was made or extended; empty where the person said no."""
    world = sandbox.world
    person = known_person(world, wanted.person)
    asked = registrations.read(world, _query_of(wanted.url))
    if wanted.decision == "deny":
        registrations.deny(asked)
        return {"app_id": ""}
    return {"app_id": registrations.make(world, asked, person, name=wanted.name, app_id=wanted.app_id).app_id}


async def device(sandbox: Sandbox, wanted: Device) -> dict[str, Any]:
    """A person types the code that a device shows, and decides."""
    person = known_person(sandbox.world, wanted.person)
    waiting = sandbox.world.authorizations.device_by_user_code(wanted.user_code)
    if waiting is None:
        raise ControlError("no device waits under this code", status=404)
    consents.decide_device(sandbox.world, waiting, person.id, wanted.decision)
    return {"decision": waiting.decision}


def _query_of(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        raise ControlError("the url is none") from None


def routes() -> list[ControlRoute]:
    return [
        command("authorize", Authorize, authorize),
        command("device", Device, device),
        command("register", Register, register),
        command("grants", Grants, grants),
    ]

"""What a registration asks for, and the app that comes of it.

The QR code holds the page's address and what the official SDK adds to it (`lark_oapi/scene/registration`): `name`, `desc`,
`avatar`, `createOnly`, `clientID` and `addons`.
"""

import base64
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct, structs

from sandbox.config import APP_ID, DEFAULT_SCOPES, AppConfig, PersonConfig
from sandbox.errors import ControlError
from sandbox.world.registrations import Registration
from sandbox.world.world import World

MAX_ADDONS: Final = 256 * 1024
"""Bytes of them, unpacked."""
BASE_SCOPES: Final = ("offline_access", "auth:user.id:read")
"""What an app has whose addons turn the preset off. The platform's own list is not documented."""


class _ByIdentity(Struct):
    """Items by the identity that they are for."""

    tenant: list[str] = []
    user: list[str] = []

    @property
    def all(self) -> list[str]:
        return [*self.tenant, *self.user]


class _Events(Struct):
    items: _ByIdentity = msgspec.field(default_factory=_ByIdentity)


class _Callbacks(Struct):
    items: list[str] = []


class Addons(Struct):
    """What the app is to have besides the preset, or without it."""

    preset: bool = True
    scopes: _ByIdentity = msgspec.field(default_factory=_ByIdentity)
    events: _Events = msgspec.field(default_factory=_Events)
    callbacks: _Callbacks = msgspec.field(default_factory=_Callbacks)


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """A registration that waits. `app`: the one to extend; None where one is to be made, or chosen unless `create_only`."""

    registration: Registration
    name: str
    description: str
    create_only: bool
    app: AppConfig | None
    addons: Addons


def read(world: World, query: Mapping[str, str]) -> RegistrationRequest:
    """Raises ControlError for a code under which nothing waits, and for what the SDK would not have sent."""
    registration = world.registrations.waiting(query.get("user_code", ""))
    if registration is None:
        raise ControlError("this code is unknown or has expired", status=404)
    client_id = query.get("clientID", "")
    app = world.apps.get(client_id)
    if client_id and app is None:
        raise ControlError(f"there is no app {client_id}", status=404)
    return RegistrationRequest(
        registration=registration,
        name=query.get("name", "")[:100],
        description=query.get("desc", "")[:500],
        create_only=query.get("createOnly") == "true",
        app=app,
        addons=_addons(query.get("addons", "")),
    )


def make(
    world: World, asked: RegistrationRequest, person: PersonConfig, *, name: str = "", app_id: str = ""
) -> AppConfig:
    """The app, made or extended, which the program is told at its next poll. `app_id`: an app that the person has chosen.

    Raises ControlError for an app that may not be chosen.
    """
    chosen = asked.app or (world.apps.get(app_id) if app_id and not asked.create_only else None)
    if app_id and (chosen is None or chosen.app_id != app_id):
        raise ControlError(f"{app_id} may not be chosen", status=409)
    if chosen is None:
        name = (name or asked.name or "{user}的应用").replace("{user}", person.name)
        chosen = AppConfig(app_id=_new_app_id(world), name=name, en_name=name, owner=person.id)
        if not asked.addons.preset:
            chosen = structs.replace(chosen, scopes=list(BASE_SCOPES), events=[], callbacks=[])
    app = _extended(chosen, asked.addons)
    world.put_app(app)
    registration = asked.registration
    registration.decision, registration.app_id, registration.person_id = "made", app.app_id, person.id
    registration.brand = person.tenant_brand
    world.watchers.tell("reload")
    return app


def deny(asked: RegistrationRequest) -> None:
    asked.registration.decision = "denied"


def scopes_of(asked: RegistrationRequest) -> list[str]:
    """What the page shows: everything that the app is going to have."""
    base = asked.app.scopes if asked.app else DEFAULT_SCOPES if asked.addons.preset else BASE_SCOPES
    return list(dict.fromkeys([*base, *asked.addons.scopes.all]))


def _extended(app: AppConfig, addons: Addons) -> AppConfig:
    events = None if app.events is None else _union(app.events, addons.events.items.all)
    return structs.replace(
        app,
        scopes=_union(app.scopes, addons.scopes.all),
        events=events,
        callbacks=_union(app.callbacks, addons.callbacks.items),
    )


def _union(known: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys([*known, *more]))


def _new_app_id(world: World) -> str:
    while (app_id := f"cli_{secrets.token_hex(8)}") in world.apps or not APP_ID.match(app_id):
        pass
    return app_id


def _addons(text: str) -> Addons:
    """From base64url without padding of gzip of JSON."""
    if not text:
        return Addons()
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        content = unpacker.decompress(packed, MAX_ADDONS)
        return msgspec.json.decode(content, type=Addons)
    except (ValueError, zlib.error) as error:
        raise ControlError(f"the addons cannot be read: {error}") from None

"""Breaking things on purpose, making time pass, starting over."""

import secrets
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from feishu.frames import CONTROL, Frame, encode
from sandbox.config import AppId, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_person, question
from sandbox.delivery import envelopes
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world.connections import Connection, Written
from sandbox.world.faults import CloseCode, Faults, check_reason

Action: TypeAlias = Literal["drop", "close", "silence", "forget", "garbage", "text", "ping", "empty"]
Kind: TypeAlias = Literal["tenant", "access", "refresh"]


class Disturbance(Struct, forbid_unknown_fields=True, kw_only=True):
    """Done once to every open connection, or to those of one app, or to one.

    drop: the line is cut. close: a close frame with `close_code` and `close_reason`. silence: half open from now on.
    forget: the line stands and pings are answered, but nothing is pushed through it and it does not count any more.
    garbage, text, ping, empty: a binary frame of random bytes, a text frame, a control ping, an empty frame.
    """

    action: Action
    app_id: AppId | None = None
    device_id: str | None = None
    close_code: CloseCode = 1001
    close_reason: str = ""

    def __post_init__(self) -> None:
        check_reason(self.close_reason)


class Settings(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays as it is. `ack_deadline` is seconds."""

    speed: Annotated[float, Meta(gt=0)] | None = None
    rate_limits: bool | None = None
    rate_scale: Annotated[float, Meta(gt=0)] | None = None
    """How many times the platform's 50 a second and 1000 a minute are allowed, for tests that hurry time."""
    ack_deadline: Annotated[float, Meta(gt=0)] | None = None


class Expiry(Struct, forbid_unknown_fields=True, kw_only=True):
    """Tokens expire now: of an app, of a person, of these kinds; all unless said."""

    app_id: AppId | None = None
    person: PersonId | None = None
    kinds: tuple[Kind, ...] = ("tenant", "access", "refresh")


class Revocation(Struct, forbid_unknown_fields=True, kw_only=True):
    app_id: AppId
    person: PersonId
    reason: Literal["unknown", "user", "administrator", "security and risk control", "restriction"] = "user"


async def get_faults(sandbox: Sandbox, request: Request) -> Faults:
    """What is broken for an app, or for all."""
    return sandbox.world.faults.of(request.query_params.get("app_id"))


async def put_faults(sandbox: Sandbox, request: Request) -> Faults:
    """Replaces the faults of all apps, or with `?app_id=` those of one; what is left out works."""
    try:
        faults = msgspec.json.decode(await request.body(), type=Faults)
    except msgspec.MsgspecError as error:
        raise ControlError(str(error)) from None
    break_things(sandbox, request.query_params.get("app_id"), faults)
    return faults


def break_things(sandbox: Sandbox, app_id: str | None, faults: Faults) -> None:
    """Put these faults in the place of those of an app, or of all."""
    sandbox.world.faults.put(app_id, faults)
    for connection in sandbox.world.connections.of(app_id):
        if faults.connection.silent:
            connection.hold()


async def delete_faults(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """Everything works again, but for connections that were silenced: they stay deaf."""
    sandbox.world.faults.clear()
    return {"faults": "none"}


async def disturb(sandbox: Sandbox, disturbance: Disturbance) -> dict[str, Any]:
    """Do something once to open connections."""
    chosen = [
        connection
        for connection in sandbox.world.connections.of(disturbance.app_id)
        if disturbance.device_id in {None, connection.device_id}
    ]
    for connection in chosen:
        if disturbance.action == "forget":
            sandbox.world.connections.remove(connection)
        else:
            _disturb(connection, disturbance)
    return {"connections": len(chosen)}


def _disturb(connection: Connection, disturbance: Disturbance) -> None:
    match disturbance.action:
        case "drop":
            connection.abort()
        case "close":
            connection.close(disturbance.close_code, disturbance.close_reason)
        case "silence":
            connection.silent = True
            connection.hold()
        case "garbage":
            connection.outbox.put_nowait(Written(b"\xff" + secrets.token_bytes(40)))
        case "text":
            connection.outbox.put_nowait(Written("this is no frame"))
        case "empty":
            connection.outbox.put_nowait(Written(b""))
        case "ping":
            ping = Frame(service=connection.service_id, method=CONTROL, headers=(("type", "ping"),))
            connection.outbox.put_nowait(Written(encode(ping)))


async def change_settings(sandbox: Sandbox, settings: Settings) -> dict[str, Any]:
    """Change how time passes and what is limited."""
    world = sandbox.world
    if settings.speed is not None:
        sandbox.courier.set_speed(settings.speed)
    if settings.rate_limits is not None:
        world.rate_limits = settings.rate_limits
    if settings.rate_scale is not None:
        world.scale_rates(settings.rate_scale)
    if settings.ack_deadline is not None:
        world.ack_deadline = settings.ack_deadline
    return {"speed": world.speed, "rate_limits": world.rate_limits, "ack_deadline": world.ack_deadline}


async def expire(sandbox: Sandbox, expiry: Expiry) -> dict[str, Any]:
    """Let tokens expire now."""
    world = sandbox.world
    tenant = 0
    if "tenant" in expiry.kinds and expiry.person is None:
        tenant = world.tenant_tokens.expire(expiry.app_id)
    user = world.authorizations.expire(
        app_id=expiry.app_id,
        person_id=expiry.person,
        access="access" in expiry.kinds,
        refresh="refresh" in expiry.kinds,
    )
    return {"expired": tenant + user}


async def revoke(sandbox: Sandbox, revocation: Revocation) -> dict[str, Any]:
    """As a person or an administrator withdraws an authorization; the app hears of it."""
    app = known_app(sandbox.world, revocation.app_id)
    person = known_person(sandbox.world, revocation.person)
    count = sandbox.world.authorizations.revoke_person(app.app_id, person.id)
    if "auth:user_access_token:read" in app.scopes:
        event = envelopes.token_revoked(app, person, revocation.reason)
        sandbox.courier.raise_event(app, "auth.user_access_token.revoked_v4", event)
    return {"revoked": count}


async def reset(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """As it was when it started; connections are closed."""
    await sandbox.courier.stop()
    sandbox.world.reset()
    for connection in sandbox.world.connections.of(None):
        connection.close(1012)
    sandbox.world.watchers.tell("reload")
    return {"reset": True}


def routes() -> list[ControlRoute]:
    return [
        question("faults", get_faults, query=["app_id"]),
        question("faults", put_faults, methods=["PUT"], shape=Faults, query=["app_id"]),
        question("faults", delete_faults, methods=["DELETE"]),
        command("disturb", Disturbance, disturb),
        command("settings", Settings, change_settings, methods=["PUT"]),
        command("expire", Expiry, expire),
        command("revoke", Revocation, revoke),
        question("reset", reset, methods=["POST"]),
    ]

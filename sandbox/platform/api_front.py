"""The front of the platform: log ids, tokens, scopes, rate limits, error bodies, the call log.

Pages "General error codes" and "Frequency control". Which HTTP status goes with a token code is not documented;
400 and 401 are what is seen in practice.
"""

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from sandbox.config import AppConfig, PersonConfig
from sandbox.errors import PlatformError, TokenError
from sandbox.platform import catalogue
from sandbox.platform.spoiling import HalfAnswer, spoil
from sandbox.state import Sandbox, sandbox_of
from sandbox.strange_json import parse_json
from sandbox.wire import DROP
from sandbox.world import ids
from sandbox.world.authorizations import UserToken
from sandbox.world.calls import masked_query, readable
from sandbox.world.faults import CallFault
from sandbox.world.world import World

MAX_BODY: Final = 10 * 1024 * 1024
_MISSING_TOKEN = 99991661
BAD_TENANT_TOKEN = 99991663
BAD_APP_TOKEN = 99991664
_BAD_USER_TOKEN = 99991668
_MALFORMED_TOKEN = 99991671
_EXPIRED_USER_TOKEN = 99991677


@dataclass(slots=True, kw_only=True)
class Call:
    """One request to the platform and what is known about its caller so far."""

    sandbox: Sandbox
    request: Request
    body: bytes
    log_id: str
    app_id: str = ""
    fault: CallFault | None = None

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises PlatformError 99992402."""
        try:
            parsed = parse_json(self.body or b"{}")
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise invalid_field("body", "the body is not a JSON object")
        return parsed

    def form_or_json(self) -> dict[str, Any]:
        """The body, form-encoded or JSON. Raises TokenError 20063."""
        if self.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            parsed = parse_json(self.body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise TokenError(20063, "The request body is malformed.", error="invalid_request")
        return parsed

    def basic_auth(self) -> tuple[str, str] | None:
        """Client id and secret of HTTP Basic, if sent."""
        scheme, _, value = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return None
        return name, secret


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a call carries; `person` is set for a user token."""

    app: AppConfig
    person: PersonConfig | None = None
    token: UserToken | None = None


Handler: TypeAlias = Callable[[Call], Awaitable[dict[str, Any] | Response]]


class PlatformRoute(Route):
    """A route that does not take what is another API of the platform: `users/batch` is no user."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL and "{" in self.path and not self.path.endswith(":path}"):
            api = catalogue.find(scope["method"], scope["path"])
            if api is not None and not catalogue.covers(api, self.path):
                return Match.NONE, {}
        return match, child


def route(path: str, methods: Collection[str], handler: Handler, *, max_body: int = MAX_BODY) -> Route:
    """A platform route: runs the handler, turns refusals into bodies, logs the call."""

    async def endpoint(request: Request) -> Response:
        call = Call(
            sandbox=sandbox_of(request),
            request=request,
            body=await _read(request, max_body),
            log_id=ids.log_id(),
        )
        at, started = call.world.now_ms, time.perf_counter()
        answer, error_code = await _run(handler, call, max_body)
        if call.fault is not None and call.fault.drop == "after":
            cut(request)
        if call.fault is not None and call.fault.answer is not None:
            answer = spoil(answer, call.fault)
        sign(answer, call.log_id)
        _log(call, answer, error_code, at=at, ms=(time.perf_counter() - started) * 1000)
        is_cut = call.fault is not None and call.fault.drop == "middle"
        return HalfAnswer(answer) if is_cut else answer

    return PlatformRoute(path, endpoint, methods=list(methods))


def sign(answer: Response, log_id: str) -> None:
    """Put the log id on an answer, spelled as the platform does: the official SDK looks for these letters."""
    answer.raw_headers.append((b"X-Tt-Logid", log_id.encode()))


def answer_json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers=headers,
        media_type="application/json; charset=utf-8",
    )


def invalid_field(name: str, description: str) -> PlatformError:
    """Code 99992402: validation of a field failed."""
    violation = {"field": name, "value": "", "description": description}
    return PlatformError(
        99992402, f"field validation failed: {description}", error={"field_violations": [violation]}
    )


async def admit(
    call: Call, api: str, *, tenant: bool = True, user: bool = False, scopes: Collection[str] = ()
) -> Caller:
    """Who calls, if they may: token of an accepted kind, rate limit of the API, any one of the scopes.

    Raises PlatformError with the gateway's codes; suffers the faults that are set on the OpenAPI.
    """
    caller = _authenticate(call, tenant=tenant, user=user)
    limit_rate(call, api)
    await suffer(call)
    if scopes:
        _require_scope(caller, scopes)
    return caller


async def suffer(call: Call) -> None:
    """Do what a fault on the OpenAPI demands before the handler runs."""
    fault = call.fault = call.world.faults.openapi(call.app_id or None, call.request.url.path)
    if fault is None:
        return
    await asyncio.sleep(fault.latency)
    if fault.drop == "before":
        cut(call.request)
        raise PlatformError(2200, "the line is dead", status=500)
    if fault.instead:
        raise PlatformError(2200, "another answers", status=502)
    if fault.code == 99991400:
        raise too_often(50, fault.reset or 1)
    if fault.code:
        raise PlatformError(fault.code, fault.msg or "broken on purpose", status=fault.http_status)


def cut(request: Request) -> None:
    """Cut the connection to the caller, as a failing network does."""
    drop = request.scope.get("extensions", {}).get(DROP)
    if drop is not None:
        drop()


def _authenticate(call: Call, *, tenant: bool, user: bool) -> Caller:
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise PlatformError(
            _MISSING_TOKEN,
            "Missing access token for authorization. Please make a request with token attached.",
        )
    value = value.strip()
    if value.startswith(("t-", "a-")):
        return _tenant_caller(call, value, accepted=tenant)
    if value.startswith(("u-", "eyJ")):
        return _user_caller(call, value, accepted=user)
    raise PlatformError(
        _MALFORMED_TOKEN, "Invalid access token for authorization. The token must start with t- or u-."
    )


def _require_scope(caller: Caller, scopes: Collection[str]) -> None:
    if not set(scopes) & set(caller.app.scopes):
        raise _missing_scope(
            99991672,
            f"Access denied. One of the following scopes is required: [{', '.join(scopes)}].",
            scopes,
        )
    if caller.token is not None and not set(scopes) & set(caller.token.scopes):
        raise _missing_scope(
            99991679,
            f"Unauthorized. You do not have permission to perform the requested operation on the resource. "
            f"required one of these privileges: [{', '.join(scopes)}]",
            scopes,
        )


def _missing_scope(code: int, message: str, scopes: Collection[str]) -> PlatformError:
    violations = [{"type": "action_privilege_required", "subject": scope} for scope in scopes]
    return PlatformError(code, message, error={"permission_violations": violations})


def _tenant_caller(call: Call, value: str, *, accepted: bool) -> Caller:
    token = call.world.tenant_tokens.find(value)
    app = call.world.apps.get(token.app_id) if token else None
    if token is None or app is None or call.world.clock() >= token.expires_at or not accepted:
        raise PlatformError(
            BAD_TENANT_TOKEN,
            "Invalid access token for authorization. Please make a test attempt with another access token.",
        )
    call.app_id = app.app_id
    if not app.enabled:
        raise PlatformError(99991662, "The app is not in use.", status=403)
    return Caller(app)


def _user_caller(call: Call, value: str, *, accepted: bool) -> Caller:
    token = call.world.authorizations.access_tokens.get(value)
    app = call.world.apps.get(token.app_id) if token else None
    person = call.world.people.get(token.person_id) if token else None
    if token is None or app is None or person is None or token.revoked:
        raise PlatformError(_BAD_USER_TOKEN, "Invalid access token for authorization.", status=401)
    call.app_id = app.app_id
    if not accepted:
        raise PlatformError(_BAD_USER_TOKEN, "user access token not support", status=400)
    if call.world.clock() >= token.expires_at:
        raise PlatformError(_EXPIRED_USER_TOKEN, "Authentication token expired.", status=401)
    if not app.enabled:
        raise PlatformError(99991662, "The app is not in use.", status=403)
    return Caller(app, person, token)


def limit_rate(call: Call, api: str) -> None:
    """1000 a minute and 50 a second, for each API and app. Raises PlatformError 99991400 with both headers."""
    if not call.world.rate_limits:
        return
    key = f"{call.app_id}:{api}"
    for window in (call.world.per_second, call.world.per_minute):
        wait = window.wait(key)
        if wait:
            raise too_often(window.limit, math.ceil(wait))


def too_often(limit: int, reset: int) -> PlatformError:
    """Code 99991400: more calls than a window allows."""
    return PlatformError(
        99991400,
        "request trigger frequency limit",
        status=429,
        headers={"x-ogw-ratelimit-limit": str(limit), "x-ogw-ratelimit-reset": str(reset)},
    )


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _check_size(body: bytes, limit: int) -> None:
    if len(body) > limit:
        raise PlatformError(99992402, "the body is too large", status=413)


async def _run(handler: Handler, call: Call, max_body: int) -> tuple[Response, int | None]:
    try:
        _check_size(call.body, max_body)
        result = await handler(call)
    except PlatformError as refusal:
        error = {
            "log_id": call.log_id,
            "troubleshooter": "Look the code up in the list of error codes.",
            **refusal.error,
        }
        body = {"code": refusal.code, "msg": refusal.msg, "error": error}
        return answer_json(body, status=refusal.status, headers=refusal.headers), refusal.code
    except TokenError as refusal:
        return answer_json(refusal.body(), status=refusal.status), refusal.code
    if isinstance(result, Response):
        return result, None
    return answer_json(result), int(result.get("code", 0))


def _log(call: Call, answer: Response, code: int | None, *, at: int, ms: float) -> None:
    url = call.request.url
    query = f"?{masked_query(url.query)}" if url.query else ""
    content_type = call.request.headers.get("content-type", "")
    entry = call.world.calls.add(
        kind="call",
        at=at,
        method=call.request.method,
        path=url.path + query,
        status=answer.status_code,
        code=code,
        ms=round(ms, 1),
        log_id=call.log_id,
        app_id=call.app_id,
        request=readable(call.body, content_type),
        response=readable(bytes(answer.body), answer.headers.get("content-type", "")),
        content_type=content_type.partition(";")[0].strip().lower(),
    )
    call.world.watchers.tell("call", call=entry)

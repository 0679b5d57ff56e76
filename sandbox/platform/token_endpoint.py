"""`/oauth/v3/token`, its deprecated twin v2, revocation and device codes.

Pages "Get user_access_token" and "Refresh user_access_token"; device flow and revocation as the official
command-line tool uses them. Both JSON and form bodies are taken.
"""

import asyncio
import hmac
from typing import Any

from starlette.responses import Response

from feishu.values import text_of
from sandbox.config import AppConfig
from sandbox.delivery import envelopes
from sandbox.errors import TokenError
from sandbox.platform.api_front import Call, cut, limit_rate
from sandbox.platform.assertions import ASSERTION_TYPE, check_assertion
from sandbox.world.authorizations import Issued

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GRANT_TYPES = {"authorization_code", "refresh_token", "client_credentials", DEVICE_GRANT, ASSERTION_GRANT}


async def token_v3(call: Call) -> dict[str, Any]:
    return await _token(call, strict_verifier=True)


async def token_v2(call: Call) -> dict[str, Any]:
    return await _token(call, strict_verifier=False)


async def revoke(call: Call) -> Response:
    """Revokes a token and its twin; success is an empty body."""
    body = call.form_or_json()
    app = _client(call, body)
    token = _text(body, "token")
    if text_of(body.get("token_type_hint", "refresh_token")) not in {"refresh_token", "access_token"}:
        raise TokenError(20001, "The token_type_hint is invalid.", error="invalid_request")
    person_id = call.world.authorizations.revoke_token(app.app_id, token)
    person = call.world.people.get(person_id or "")
    if person is not None and "auth:user_access_token:read" in app.scopes:
        event = envelopes.token_revoked(app, person, "unknown")
        call.sandbox.courier.raise_event(app, "auth.user_access_token.revoked_v4", event)
    return Response(status_code=200)


async def device_authorization(call: Call) -> dict[str, Any]:
    body = call.form_or_json()
    return _device(call, _client(call, body), body)


async def device_authorization_v2(call: Call) -> dict[str, Any]:
    """The path that the official Python client uses, which names the app and sends no secret."""
    body = call.form_or_json()
    if call.basic_auth() is not None or body.get("client_secret"):
        return _device(call, _client(call, body), body)
    return _device(call, _enabled_app(call, _text(body, "client_id")), body)


def _device(call: Call, app: AppConfig, body: dict[str, Any]) -> dict[str, Any]:
    scopes = _scopes(body) or []
    disabled = [scope for scope in scopes if scope not in app.scopes]
    if disabled:
        raise TokenError(20068, f"Not enabled for the app: {' '.join(disabled)}.", error="invalid_scope")
    device = call.world.authorizations.new_device_code(app, scopes)
    page = f"{str(call.request.base_url).rstrip('/')}/oauth/v1/device/verify"
    return {
        "device_code": device.value,
        "user_code": device.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={device.user_code}",
        "expires_in": app.device_code_lifetime,
        "interval": app.device_interval,
    }


async def _token(call: Call, *, strict_verifier: bool) -> dict[str, Any]:
    body = call.form_or_json()
    call.app_id = str(body.get("client_id") or (call.basic_auth() or ("", ""))[0])
    limit_rate(call, "oauth.token")
    await _suffer(call)
    grant_type = _text(body, "grant_type")
    if grant_type not in _GRANT_TYPES:
        raise TokenError(20036, "The grant_type is not supported.", error="unsupported_grant_type")
    app = _client(call, body)
    answer = _answer(call, app, grant_type, body, strict_verifier=strict_verifier)
    if call.fault is not None:
        await asyncio.sleep(call.fault.latency)
    return answer


def _answer(
    call: Call, app: AppConfig, grant_type: str, body: dict[str, Any], *, strict_verifier: bool
) -> dict[str, Any]:
    authorizations = call.world.authorizations
    if grant_type == ASSERTION_GRANT:
        _text(body, "client_assertion")
    if grant_type in {"client_credentials", ASSERTION_GRANT}:
        return _app_token(call, app)
    if grant_type == "refresh_token":
        issued = authorizations.refresh(app, _text(body, "refresh_token"), _scopes(body))
    elif grant_type == DEVICE_GRANT:
        issued = authorizations.poll_device(app, _text(body, "device_code"))
    else:
        issued = authorizations.exchange(
            app,
            _text(body, "code"),
            redirect_uri=body.get("redirect_uri"),
            verifier=text_of(body.get("code_verifier")),
            scopes=_scopes(body),
            strict_verifier=strict_verifier,
        )
    return _granted(app, issued)


async def _suffer(call: Call) -> None:
    fault = call.fault = call.world.faults.token(call.app_id)
    if fault is None:
        return
    if fault.drop == "before":
        await asyncio.sleep(fault.latency)
        cut(call.request)
        raise TokenError(20050, "The line is dead.", error="server_error", status=500)
    if fault.instead:
        raise TokenError(20050, "Another answers.", error="server_error", status=502)
    if fault.code or fault.error:
        await asyncio.sleep(fault.latency)
        raise TokenError(
            fault.code or None,
            fault.msg or "Broken on purpose.",
            error=fault.error or _error_of(fault.code),
            status=fault.http_status,
        )


def _client(call: Call, body: dict[str, Any]) -> AppConfig:
    """The app, by HTTP Basic, by a secret in the body or by a client assertion, but not by two of them."""
    if body.get("client_assertion"):
        return _by_assertion(call, body)
    basic = call.basic_auth()
    if basic is not None and body.get("client_secret"):
        raise TokenError(
            20070, "Basic auth and client_secret must not be used together.", error="invalid_request"
        )
    app_id, secret = basic or (_text(body, "client_id"), _text(body, "client_secret"))
    call.app_id = app_id
    app = call.world.apps.get(app_id)
    if app is not None and not hmac.compare_digest(secret.encode(), app.app_secret.encode()):
        raise TokenError(20002, "The client secret is invalid.", error="invalid_client")
    return _enabled_app(call, app_id)


def _by_assertion(call: Call, body: dict[str, Any]) -> AppConfig:
    """Which code the platform has for a bad assertion is not documented."""
    if call.basic_auth() is not None or body.get("client_secret"):
        raise TokenError(20070, "Use one way to authenticate the client.", error="invalid_request")
    if body.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenError(20063, "The client_assertion_type is not supported.", error="invalid_request")
    app = _enabled_app(call, _text(body, "client_id"))
    try:
        check_assertion(
            app,
            _text(body, "client_assertion"),
            audience=call.request.url.netloc,
            now=call.world.clock(),
        )
    except ValueError as error:
        raise TokenError(
            20002, f"The client assertion is invalid: {error}.", error="invalid_client"
        ) from None
    return app


def _enabled_app(call: Call, app_id: str) -> AppConfig:
    call.app_id = app_id
    app = call.world.apps.get(app_id)
    if app is None:
        raise TokenError(20048, "The app does not exist.", error="invalid_client")
    if not app.enabled:
        raise TokenError(20069, "The app is not enabled.", error="invalid_client")
    return app


def _granted(app: AppConfig, issued: Issued) -> dict[str, Any]:
    body: dict[str, Any] = {
        "code": 0,
        "access_token": issued.access.value,
        "expires_in": app.access_token_lifetime,
        "token_type": "Bearer",
        "scope": " ".join(issued.access.scopes),
    }
    if issued.refresh is not None:
        body["refresh_token"] = issued.refresh.value
        body["refresh_token_expires_in"] = app.refresh_token_lifetime
    return body


def _app_token(call: Call, app: AppConfig) -> dict[str, Any]:
    now = call.world.clock()
    token = call.world.tenant_tokens.issue(app, now)
    return {
        "code": 0,
        "access_token": token.value,
        "expires_in": int(token.expires_at - now),
        "token_type": "Bearer",
    }


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise TokenError(
            20001, f"The request is missing a required parameter: {name}.", error="invalid_request"
        )
    return value


def _scopes(body: dict[str, Any]) -> list[str] | None:
    scope = body.get("scope")
    return scope.split() if isinstance(scope, str) and scope.strip() else None


def _error_of(code: int) -> str:
    return {20050: "server_error", 20072: "temporarily_unavailable"}.get(code, "invalid_grant")

"""`/open-apis/auth/v3/…/internal`: tokens of the app itself. Errors come with HTTP 200.

Pages "Get custom app's tenant_access_token" and "Get custom app's app_access_token". Forms are not documented,
but taken: django-allauth sends one.
"""

import hmac
from typing import Any

from sandbox.errors import PlatformError, TokenError
from sandbox.platform.api_front import Call, suffer


async def tenant_access_token(call: Call) -> dict[str, Any]:
    token, remaining = await _issue(call)
    return {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": remaining}


async def app_access_token(call: Call) -> dict[str, Any]:
    token, remaining = await _issue(call)
    return {
        "app_access_token": token,
        "code": 0,
        "expire": remaining,
        "msg": "ok",
        "tenant_access_token": token,
    }


def _body(call: Call) -> dict[str, Any]:
    try:
        return call.form_or_json()
    except TokenError:
        raise PlatformError(10003, "invalid param", status=200) from None


async def _issue(call: Call) -> tuple[str, int]:
    body = _body(call)
    app_id, secret = body.get("app_id"), body.get("app_secret")
    if not isinstance(app_id, str) or not isinstance(secret, str) or not app_id:
        raise PlatformError(10003, "invalid param", status=200)
    app = call.world.apps.get(app_id)
    if app is None:
        raise PlatformError(10003, "invalid param", status=200)
    call.app_id = app_id
    await suffer(call)
    if not hmac.compare_digest(secret.encode(), app.app_secret.encode()):
        raise PlatformError(10015, "app secret invalid", status=200)
    if not app.enabled:
        raise PlatformError(10014, "app unauthorized", status=200)
    now = call.world.clock()
    token = call.world.tenant_tokens.issue(app, now)
    return token.value, int(token.expires_at - now)

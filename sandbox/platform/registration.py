"""`POST /oauth/v1/app/registration`: a program without credentials gets an app that somebody makes for it.

Known from the official SDK (`lark_oapi/scene/registration`) and the official command-line tool. No page documents it.
"""

from typing import Any, Final

from starlette.responses import Response

from sandbox.errors import TokenError
from sandbox.platform.api_front import Call, answer_json, suffer
from sandbox.world import ids

PAGE: Final = "/page/launcher"
_SUPPORTED: Final = ("client_secret", "private_key_jwt")


async def register(call: Call) -> dict[str, Any] | Response:
    """Form-encoded: `action` is init, begin or poll."""
    body = call.form_or_json()
    await suffer(call)
    match body.get("action"):
        case "init":
            return {"nonce": ids.event_id(), "supported_auth_methods": list(_SUPPORTED)}
        case "begin":
            return _begin(call, body)
        case "poll":
            return _poll(call, body)
        case action:
            raise TokenError(None, f"The action {action!r} is unknown.", error="invalid_request")


def _begin(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    method = body.get("auth_method", "client_secret")
    if method not in _SUPPORTED:
        raise TokenError(None, f"The auth_method {method!r} is unknown.", error="invalid_request")
    if method != "client_secret":
        raise TokenError(
            None,
            f"not in this sandbox: registration with {method}; take client_secret.",
            error="invalid_request",
        )
    config = call.world.config
    registration = call.world.registrations.begin(
        lifetime=config.registration_lifetime, interval=config.registration_interval
    )
    page = f"{str(call.request.base_url).rstrip('/')}{PAGE}"
    return {
        "device_code": registration.device_code,
        "user_code": registration.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={registration.user_code}",
        "interval": config.registration_interval,
        # The official command-line tool reads the one, the official SDK the other.
        "expires_in": config.registration_lifetime,
        "expire_in": config.registration_lifetime,
    }


def _poll(call: Call, body: dict[str, Any]) -> dict[str, Any] | Response:
    registration = call.world.registrations.poll(str(body.get("device_code", "")))
    if registration.decision == "pending":
        pending = TokenError(None, "The user has not decided yet.", error="authorization_pending")
        told = {**pending.body(), "user_info": {"tenant_brand": registration.brand}}
        return answer_json(told, status=pending.status)
    app = call.world.apps.get(registration.app_id)
    if app is None:
        raise TokenError(None, "The app was deleted.", error="invalid_grant")
    call.app_id = app.app_id
    return {
        "client_id": app.app_id,
        "client_secret": app.app_secret,
        "user_info": {
            "open_id": ids.open_id(app.app_id, registration.person_id),
            "tenant_brand": registration.brand,
        },
    }

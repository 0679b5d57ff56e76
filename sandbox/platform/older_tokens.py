"""`/open-apis/authen/v1/…access_token`: user tokens as they were before `/oauth`, for installations that have no other.

Historic pages "Get user_access_token (v1)" and its "oidc" successor: an app access token in front, the answer inside
`data`, `refresh_expires_in` instead of `refresh_token_expires_in`, refusals with HTTP 200.
"""

from typing import Any, Literal

from sandbox.config import AppConfig
from sandbox.errors import PlatformError, TokenError
from sandbox.platform.api_front import BAD_APP_TOKEN, BAD_TENANT_TOKEN, Call, admit
from sandbox.platform.user_info import about
from sandbox.world.authorizations import Issued


async def oidc_access_token(call: Call) -> dict[str, Any]:
    app = await _app(call, "authen.oidc.access_token")
    return _answer(app, _issued(call, app, "authorization_code"))


async def oidc_refresh_access_token(call: Call) -> dict[str, Any]:
    app = await _app(call, "authen.oidc.refresh_access_token")
    return _answer(app, _issued(call, app, "refresh_token"))


async def access_token(call: Call) -> dict[str, Any]:
    app = await _app(call, "authen.access_token")
    return _with_person(call, app, _issued(call, app, "authorization_code"))


async def refresh_access_token(call: Call) -> dict[str, Any]:
    app = await _app(call, "authen.refresh_access_token")
    return _with_person(call, app, _issued(call, app, "refresh_token"))


async def _app(call: Call, api: str) -> AppConfig:
    try:
        return (await admit(call, api)).app
    except PlatformError as refusal:
        if refusal.code == BAD_TENANT_TOKEN:
            raise PlatformError(BAD_APP_TOKEN, refusal.msg) from None
        raise


def _issued(call: Call, app: AppConfig, grant_type: Literal["authorization_code", "refresh_token"]) -> Issued:
    body = call.json()
    if body.get("grant_type") != grant_type:
        raise PlatformError(20036, "The grant_type is not supported.", status=200)
    name = "code" if grant_type == "authorization_code" else "refresh_token"
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise PlatformError(20001, f"{name} is required", status=200)
    authorizations = call.world.authorizations
    try:
        if name == "refresh_token":
            return authorizations.refresh(app, value, None, older=True)
        return authorizations.exchange(
            app, value, redirect_uri=None, verifier=None, scopes=None, strict_verifier=False, older=True
        )
    except TokenError as refusal:
        raise PlatformError(refusal.code or 20050, refusal.description, status=200) from None


def _answer(app: AppConfig, issued: Issued) -> dict[str, Any]:
    data: dict[str, Any] = {
        "access_token": issued.access.value,
        "token_type": "Bearer",
        "expires_in": app.access_token_lifetime,
        "scope": " ".join(issued.access.scopes),
    }
    if issued.refresh is not None:
        data["refresh_token"] = issued.refresh.value
        data["refresh_expires_in"] = app.refresh_token_lifetime
    return {"code": 0, "msg": "success", "data": data}


def _with_person(call: Call, app: AppConfig, issued: Issued) -> dict[str, Any]:
    answer = _answer(app, issued)
    person = call.world.people[issued.access.person_id]
    answer["data"] |= about(call, app, person, issued.access.scopes)
    return answer

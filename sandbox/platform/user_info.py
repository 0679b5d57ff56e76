"""`GET /open-apis/authen/v1/user_info`: whose token this is. Its own errors come with HTTP 200.

Page "Get user information".
"""

from collections.abc import Collection
from typing import Any

from sandbox.config import AppConfig, PersonConfig
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit
from sandbox.platform.directory import EMAIL_SCOPE, EMPLOYEE_ID_SCOPE
from sandbox.world import ids
from sandbox.world.portraits import portrait_url


async def user_info(call: Call) -> dict[str, Any]:
    caller = await admit(call, "authen.user_info", tenant=False, user=True)
    person, token = caller.person, caller.token
    if person is None or token is None:
        raise PlatformError(20005, "The user access token is invalid.", status=200)
    if person.status == "resigned":
        raise PlatformError(20021, "The user has resigned.", status=200)
    if person.status == "frozen":
        raise PlatformError(20022, "The user is frozen.", status=200)
    return {"code": 0, "msg": "success", "data": about(call, caller.app, person, token.scopes)}


def about(call: Call, app: AppConfig, person: PersonConfig, scopes: Collection[str]) -> dict[str, Any]:
    """Who a person is, as far as a token's scopes allow to say it."""
    picture = portrait_url(str(call.request.base_url), person.name)
    known: dict[str, Any] = {
        "name": person.name,
        "en_name": person.en_name,
        **dict.fromkeys(("avatar_url", "avatar_thumb", "avatar_middle", "avatar_big"), picture),
        "open_id": ids.open_id(app.app_id, person.id),
        "union_id": ids.union_id(person.id),
        "tenant_key": person.tenant_key,
    }
    if EMPLOYEE_ID_SCOPE in scopes:
        known["user_id"] = person.id
    if EMAIL_SCOPE in scopes:
        known["email"] = known["enterprise_email"] = ids.email(person.id)
    return known

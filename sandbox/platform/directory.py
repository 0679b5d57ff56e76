"""Small APIs about bots, apps, people and connections.

Pages "Obtain bot info", "Obtain app info", "Get user"; the connection count is known from the official SDKs.
"""

from typing import Any

from feishu.scopes import scope_text
from sandbox.config import AppConfig, PersonConfig
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit
from sandbox.platform.recipients import find_person
from sandbox.world import ids
from sandbox.world.avatars import avatar_url
from sandbox.world.portraits import portrait_url

CONTACT_SCOPES = (
    "contact:contact.base:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
    "contact:user.base:readonly",
)
EMAIL_SCOPE = "contact:user.email:readonly"
EMPLOYEE_ID_SCOPE = "contact:user.employee_id:readonly"
_ENTERPRISE_MEMBER = 2
_ID_TYPES = ("open_id", "union_id", "user_id")


async def bot_info(call: Call) -> dict[str, Any]:
    app = (await admit(call, "bot.info")).app
    bot: dict[str, Any] = {
        "activate_status": 2 if app.bot_enabled else 3,
        "app_name": app.name,
        "avatar_url": avatar_url(str(call.request.base_url), app.name),
        "ip_white_list": [],
        "open_id": ids.bot_open_id(app.app_id),
    }
    return {"code": 0, "msg": "ok", "bot": bot}


async def application(call: Call) -> dict[str, Any]:
    app = (await admit(call, "application.get")).app
    wanted = call.path("app_id")
    if wanted not in {"me", app.app_id}:
        raise PlatformError(210504, "no permission to read this app")
    return {"code": 0, "msg": "success", "data": {"app": _describe(call, app)}}


async def user(call: Call) -> dict[str, Any]:
    caller = await admit(call, "contact.user.get", user=True, scopes=CONTACT_SCOPES)
    id_type = call.query.get("user_id_type", "open_id")
    if id_type not in _ID_TYPES:
        raise PlatformError(40001, "param error: user_id_type")
    person = find_person(call.world, caller.app, call.path("user_id"), id_type)
    if not call.world.may_use(caller.app, person):
        raise PlatformError(41050, "no user authority error")
    return {"code": 0, "msg": "success", "data": {"user": describe_person(call, caller.app, person)}}


async def outbound_ips(call: Call) -> dict[str, Any]:
    """From where the platform calls webhooks; page "Get event outbound IP"."""
    await admit(call, "event.outbound_ip", scopes=("event:ip_list",))
    data = {"ip_list": ["127.0.0.1"], "has_more": False, "page_token": ""}
    return {"code": 0, "msg": "success", "data": data}


async def app_scopes(call: Call) -> dict[str, Any]:
    """Which scopes the tenant has granted; page "Query the authorization status of an app"."""
    app = (await admit(call, "application.scope.list")).app
    scopes = [{"scope_name": scope, "grant_status": 1, "scope_type": "tenant"} for scope in app.scopes]
    return {"code": 0, "msg": "success", "data": {"scopes": scopes}}


async def connection_count(call: Call) -> dict[str, Any]:
    app = (await admit(call, "event.connection")).app
    count = len(call.world.connections.of(app.app_id))
    return {"code": 0, "msg": "success", "data": {"online_instance_cnt": count}}


def _describe(call: Call, app: AppConfig) -> dict[str, Any]:
    english = call.query.get("lang", "zh_cn") == "en_us"
    owner = ids.open_id(app.app_id, app.owner or next(iter(call.world.people)))
    return {
        "app_id": app.app_id,
        "creator_id": owner,
        "status": 1 if app.enabled else 0,
        "scene_type": 0,
        "redirect_urls": app.redirect_urls,
        "online_version_id": f"oav_{app.app_id.removeprefix('cli_')}",
        "unaudit_version_id": "",
        "app_name": (english and app.en_name) or app.name,
        "avatar_url": avatar_url(str(call.request.base_url), app.name),
        "description": "",
        "scopes": [
            {
                "scope": scope,
                "description": scope_text(scope).in_language("en" if english else "zh-hans"),
                "level": 1,
                "token_types": ["tenant", "user"],
            }
            for scope in app.scopes
        ],
        "i18n": [
            {"i18n_key": "zh_cn", "name": app.name},
            {"i18n_key": "en_us", "name": app.en_name},
        ],
        "primary_language": "zh_cn",
        "common_categories": [],
        "owner": {"type": _ENTERPRISE_MEMBER, "owner_id": owner},
        "event": {
            "subscription_type": app.mode,
            "request_url": app.webhook_url,
            "subscribed_events": app.events or [],
        },
        "allow_refresh_token": app.refresh_enabled,
        **_callback_info(app),
    }


def _callback_info(app: AppConfig) -> dict[str, Any]:
    if app.callback_info == "absent":
        return {}
    if app.callback_info == "null":
        return {"callback_info": None}
    about = {
        "callback_type": app.callback_mode or app.mode,
        "request_url": app.callback_url or app.webhook_url,
        "subscribed_callbacks": app.callbacks,
    }
    return {"callback_info": about}


def describe_person(call: Call, app: AppConfig, person: PersonConfig) -> dict[str, Any]:
    picture = portrait_url(str(call.request.base_url), person.name)
    resigned = person.status == "resigned"
    about: dict[str, Any] = {
        "union_id": ids.union_id(person.id),
        "open_id": ids.open_id(app.app_id, person.id),
        "name": person.name,
        "en_name": person.en_name,
        "avatar": {f"avatar_{size}": picture for size in ("72", "240", "640", "origin")},
        "status": {
            "is_frozen": person.status == "frozen",
            "is_resigned": resigned,
            "is_activated": not resigned,
            "is_exited": False,
            "is_unjoin": False,
        },
        "department_ids": [
            ids.open_department_id(department) for department in person.departments or [ids.ROOT_DEPARTMENT]
        ],
        "is_tenant_manager": False,
    }
    if EMPLOYEE_ID_SCOPE in app.scopes:
        about["user_id"] = person.id
    if EMAIL_SCOPE in app.scopes:
        about["email"] = ids.email(person.id)
    return about

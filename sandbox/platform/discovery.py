"""`POST /callback/ws/endpoint`: where a long connection learns its address. Known from the official SDKs only."""

import asyncio
import hmac
from typing import Any

import msgspec
from starlette.responses import Response

from sandbox.config import AppConfig
from sandbox.platform.api_front import Call, answer_json, cut
from sandbox.platform.assertions import check_assertion
from sandbox.world.connections import SERVICE_ID
from sandbox.world.faults import CallFault, DiscoveryFault

FORBIDDEN = 403
BAD_CREDENTIALS = 1000040345
BAD_APP_ID = 1000040346
TOO_MANY_CONNECTIONS = 1000040350


async def discover(call: Call) -> Response | dict[str, Any]:
    body = call.json()
    app_id, secret = str(body.get("AppID", "")), str(body.get("AppSecret", ""))
    call.app_id = app_id if app_id in call.world.apps else ""
    fault = call.world.faults.discovery(app_id)
    if fault is not None:
        await asyncio.sleep(fault.hang)
        call.fault = CallFault(drop=fault.drop, answer=fault.answer)
        if fault.drop == "before":
            cut(call.request)
        if fault.code or fault.http_status != 200:
            return _broken(fault)
    app = call.world.apps.get(app_id)
    if app is None:
        return _refusal(BAD_APP_ID, "app_id is invalid")
    if not _is_proven(call, app, secret, body.get("ClientAssertion")):
        return _refusal(BAD_CREDENTIALS, "app_id or app_secret is invalid")
    if not app.enabled:
        return _refusal(FORBIDDEN, "forbidden")
    if len(call.world.connections.of(app_id)) >= app.max_connections:
        return _refusal(TOO_MANY_CONNECTIONS, "the number of connections exceeded the limit")
    config = msgspec.to_builtins(app.client_config)
    return {"code": 0, "msg": "", "data": {"URL": _address(call, app_id), "ClientConfig": config}}


def _is_proven(call: Call, app: AppConfig, secret: str, assertion: object) -> bool:
    """By the secret or, where it is empty, by a client assertion."""
    if secret or not isinstance(assertion, str):
        return hmac.compare_digest(secret.encode(), app.app_secret.encode())
    try:
        check_assertion(app, assertion, audience=call.request.url.netloc, now=call.world.clock())
    except ValueError:
        return False
    return True


def _address(call: Call, app_id: str) -> str:
    value, ticket = call.world.connections.new_ticket(app_id, call.world.clock())
    url = call.request.url
    scheme = "wss" if url.scheme == "https" else "ws"
    # The Node SDK parses the whole URL as a query, so the first parameter's name is lost on it.
    return (
        f"{scheme}://{url.netloc}/ws/v2?fpid=493&aid=552564&device_id={ticket.device_id}"
        f"&access_key={ticket.access_key}&service_id={SERVICE_ID}&ticket={value}"
    )


def _refusal(code: int, msg: str) -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": {}}


def _broken(fault: DiscoveryFault) -> Response:
    body: dict[str, Any] = {"code": fault.code, "msg": fault.msg or "broken on purpose"}
    if fault.data != "absent":
        body["data"] = {} if fault.data == "object" else None
    return answer_json(body, status=fault.http_status)

"""A bot to examine, at a platform where all is well until a test says otherwise."""

from typing import Any

import respx

from bots.doctor.examination import examine
from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from bots.models import Bot
from feishu.transport import Transport as Http

SECRET = "s3cr3t-of-the-app"
TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
ENDPOINT = "/callback/ws/endpoint"
GATEWAY = "wss://gateway.test/ws/v2?fpid=1&device_id=7&service_id=33&ticket=t1ck3t"
SCOPES = ("im:message:send_as_bot", "im:message.p2p_msg:readonly", "offline_access", "docx:document:readonly")

FIRST_USE = {Check.AVAILABILITY, Check.FIRST_MESSAGE, Check.FIRST_AUTHORIZATION}


def issued(value: str = "t-0ken") -> dict[str, Any]:
    return {"code": 0, "msg": "ok", "tenant_access_token": value, "expire": 7140}


def described(status: int = 2) -> dict[str, Any]:
    return {"code": 0, "bot": {"app_name": "Helper", "open_id": "ou_bot", "activate_status": status}}


def counted(count: int) -> dict[str, Any]:
    return {"code": 0, "data": {"online_instance_cnt": count}}


def app_of(bot: Bot, **values: Any) -> dict[str, Any]:
    app = {
        "app_id": bot.app_id,
        "app_name": "Helper",
        "status": 1,
        "online_version_id": "oav_1",
        "redirect_urls": [bot.redirect_uri],
        "event": {
            "subscription_type": "websocket",
            "request_url": "",
            "subscribed_events": ["im.message.receive_v1"],
        },
        "callback_info": {
            "callback_type": "websocket",
            "request_url": "",
            "subscribed_callbacks": ["card.action.trigger"],
        },
        "allow_refresh_token": True,
        "scopes": [{"scope": scope, "token_types": ["tenant", "user"]} for scope in SCOPES],
    } | values
    return {"code": 0, "data": {"app": app}}


def scopes(*names: str, types: list[str] | None = None) -> list[dict[str, Any]]:
    return [{"scope": name, "token_types": types or []} for name in names]


class PlatformAnswers:
    """A platform at which all is well; routes can be replaced one by one."""

    def __init__(self, router: respx.MockRouter, bot: Bot) -> None:
        self.token = router.post(TOKEN).respond(json=issued())
        self.endpoint = router.post(ENDPOINT).respond(json={"code": 0, "data": {"URL": GATEWAY}})
        self.bot = router.get("/open-apis/bot/v3/info").respond(json=described())
        self.connections = router.get("/open-apis/event/v1/connection").respond(json=counted(1))
        self.application = router.get("/open-apis/application/v6/applications/me").respond(json=app_of(bot))


def look(bot: Bot, **values: Any) -> dict[Check, Finding]:
    http = Http()
    try:
        findings = examine(Bot.objects.get(pk=bot.pk), transport=http, **values)
    finally:
        http.close()
    by_check = {finding.check: finding for finding in findings}
    assert len(by_check) == len(findings)
    assert SECRET not in repr(findings)
    assert "t1ck3t" not in repr(findings)
    assert "t-0ken" not in repr(findings)
    return by_check


def results(findings: dict[Check, Finding]) -> dict[Check, CheckResult]:
    """What is not in order, without what only use can show: this bot is new."""
    return {
        check: finding.result
        for check, finding in findings.items()
        if finding.result is not CheckResult.OK and check not in FIRST_USE
    }

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import respx

from bots.models import Bot
from tests.factories import PLATFORM, make_bot


@pytest.fixture(autouse=True)
def no_broker(monkeypatch) -> list[str]:
    """Notifications end in a list instead of a broker."""
    notified: list[str] = []
    for module in ("auth_sessions.notify", "bots.mailings.service"):
        monkeypatch.setattr(f"{module}.notify", lambda _send, what="refresh": notified.append(what))
    return notified


@pytest.fixture(autouse=True)
def no_pause(monkeypatch) -> list[float]:
    """The pauses before a code is exchanged again, without waiting for them."""
    pauses: list[float] = []
    monkeypatch.setattr("auth_sessions.domain.consent.sleep", pauses.append)
    return pauses


@pytest.fixture
def bot(db) -> Bot:
    return make_bot(auth_scopes=["offline_access", "contact:user.base:readonly"])


class PlatformAnswers:
    """What the platform says, as the tests of one file need it; routes can be replaced one by one."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.token = router.post("/oauth/v3/token").respond(json=token_answer())
        self.revoke = router.post("/oauth/v1/revoke").respond(200)
        self.user_info = router.get("/open-apis/authen/v1/user_info").respond(json=user_answer("ou_asked"))
        self.device = router.post("/oauth/v1/device_authorization").respond(json=device_answer())
        self.tenant_token = router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "msg": "ok", "tenant_access_token": "t-tenant", "expire": 7140}
        )
        self.send = router.post("/open-apis/im/v1/messages").respond(
            json={"code": 0, "msg": "ok", "data": {"message_id": "om_card", "chat_id": "oc_1"}}
        )
        self.patch = router.patch(url__regex=r".*/open-apis/im/v1/messages/om_\w+").respond(
            json={"code": 0, "msg": "ok", "data": {}}
        )
        self.bot_info = router.get("/open-apis/bot/v3/info").respond(
            json={
                "code": 0,
                "msg": "ok",
                "bot": {"activate_status": 2, "app_name": "Bot", "open_id": "ou_bot"},
            }
        )
        self.reply = router.post(url__regex=r".*/open-apis/im/v1/messages/om_\w+/reply").respond(
            json={"code": 0, "msg": "ok", "data": {"message_id": "om_reply", "chat_id": "oc_1"}}
        )


def token_answer(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "code": 0,
        "access_token": f"access-token-{number}",
        "expires_in": 7200,
        "refresh_token": f"refresh-token-{number}",
        "refresh_token_expires_in": 604800,
        "token_type": "Bearer",
        "scope": "offline_access contact:user.base:readonly",
    } | values


def device_answer(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "device_code": f"device-code-{number}",
        "user_code": f"ABCD-000{number}",
        "verification_uri": "http://platform.test/verify",
        "verification_uri_complete": f"http://platform.test/verify?user_code=ABCD-000{number}",
        "expires_in": 240,
        "interval": 5,
    } | values


def user_answer(open_id: str, tenant_key: str = "tenant") -> dict[str, Any]:
    data = {
        "open_id": open_id,
        "union_id": "on_1",
        "tenant_key": tenant_key,
        "name": "李雷",
        "en_name": "Li Lei",
    }
    return {"code": 0, "msg": "success", "data": data}


def oauth_error(code: int, *, status: int = 400, error: str = "invalid_grant") -> httpx2.Response:
    body = {"code": code, "error": error, "error_description": "refused"}
    return httpx2.Response(status, json=body, headers={"X-Tt-Logid": f"log-{code}"})


@pytest.fixture
def platform() -> Iterator[PlatformAnswers]:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        yield PlatformAnswers(router)


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path) -> Path:
    """Files that answers are kept in until they are stored, without the copies in a Redis that tests share."""
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    return tmp_path

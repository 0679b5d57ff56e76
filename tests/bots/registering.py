"""An operator who may add bots, and Feishu with Lark as a test answers for them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.models import Registration
from core.access.models import User
from tests.factories import make_operator

__all__ = ["operator", "platforms"]

FEISHU = "https://accounts.feishu.cn/oauth/v1/app/registration"
LARK = "https://accounts.larksuite.com/oauth/v1/app/registration"
LINK = "https://accounts.feishu.cn/page/launcher?user_code=ABCD-EFGH"
APP_ID = "cli_a1b2c3d4e5f60718"
SECRET = "the-registered-secret"
APP = {
    "client_id": APP_ID,
    "client_secret": SECRET,
    "user_info": {"open_id": "ou_1", "tenant_brand": "feishu"},
}
INTERVAL = 60
"""Seconds; longer than a test takes."""
PENDING = {"error": "authorization_pending"}


class Platforms:
    """Both brands. ``answers`` to the next polls, each a body, a response or an error; then the poll is pending."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.answers: list[Any] = []
        self.begun: list[dict[str, Any]] = []
        self.polls: list[str] = []
        """The hosts that were polled."""
        router.post(path="/oauth/v1/app/registration").mock(side_effect=self._answer)
        router.post(path="/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        self.bot_info = router.get(path="/open-apis/bot/v3/info")
        self.bot_info.respond(
            json={"code": 0, "bot": {"app_name": "李雷的 助手", "open_id": "ou_bot", "activate_status": 2}}
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        form = dict(httpx2.QueryParams(request.content.decode()))
        match form["action"]:
            case "init":
                return httpx2.Response(200, json={"supported_auth_methods": ["client_secret"]})
            case "begin":
                number = len(self.begun) + 1
                body = {
                    "device_code": f"the-device-code-{number}",
                    "verification_uri_complete": f"{LINK}{number}",
                    "expires_in": 600,
                    "interval": INTERVAL,
                }
                self.begun.append(body)
                return httpx2.Response(200, json=body)
        self.polls.append(request.url.host)
        answer = self.answers.pop(0) if self.answers else PENDING
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx2.Response):
            return answer
        return httpx2.Response(400 if "error" in answer else 200, json=answer)


@pytest.fixture
def platforms() -> Iterator[Platforms]:
    with respx.mock(assert_all_called=False) as router:
        yield Platforms(router)


@pytest.fixture
def operator(db) -> User:
    return make_operator("lin")


def make_due(registration: Registration) -> None:
    """As if the interval was over."""
    Registration.objects.filter(pk=registration.pk).update(next_poll_at=timezone.now() - timedelta(days=1))

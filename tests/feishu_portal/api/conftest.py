from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client

from bots.sending import pacing
from core.background.pace import steady_now
from tests.feishu_portal.api.conforming import description
from tests.feishu_portal.api.messages import message_platform


@pytest.fixture(autouse=True)
def answers_are_as_described(monkeypatch):
    """Whatever a test asks the API, the answer is one that the OpenAPI document knows."""
    request = Client.request

    def checked(self, **values):
        response = request(self, **values)
        path, is_streamed = response.request["PATH_INFO"], response.streaming
        body = b"" if is_streamed else response.content
        description().check(
            response.request["REQUEST_METHOD"], path, response.status_code, response.headers, body
        )
        return response

    monkeypatch.setattr(Client, "request", checked)


@pytest.fixture
def platform():
    """Takes messages and updates of cards."""
    with message_platform() as platform:
        yield platform


@pytest.fixture
def pauses_pass(monkeypatch):
    """Whoever waits for the turn of a chat goes on at once, with the time that would have passed."""
    passed: list[float] = []
    monkeypatch.setattr(pacing, "time", SimpleNamespace(sleep=passed.append))
    monkeypatch.setattr(pacing, "steady_now", lambda: steady_now() + timedelta(seconds=sum(passed)))

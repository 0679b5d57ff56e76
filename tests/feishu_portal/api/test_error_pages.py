"""Whatever is wrong with a request to the API, its caller reads a problem and never a page."""

import pytest
from django.core.signals import request_finished
from django.test import AsyncClient, Client

from core.access.scopes import Scope
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/bots/",
        "/api/v1/bots/cli_1/nothing",
        "/api/v2/bots",
        "/api/feishu",
        "/api/feishu/nothing",
        "/api/feishu/ws/status/",
        "/api/feishu/webhook",
        "/proxy",
    ],
)
def test_unknown_path_is_a_problem(path):
    response = api_client(Scope.BOTS_READ).get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["put", "delete", "options", "head"])
@pytest.mark.parametrize(("path", "allowed"), [("/api/v1/bots", "GET"), ("/api/feishu/ws/status", "GET")])
def test_wrong_method_is_a_problem_that_names_the_right_one(path, allowed, method):
    response = getattr(api_client(Scope.BOTS_READ), method)(path)
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    assert response["Allow"] == allowed
    assert response["X-Content-Type-Options"] == "nosniff"
    assert method == "head" or response.json()["code"] == "method_not_allowed"


def test_wrong_host_is_a_problem(settings):
    settings.ALLOWED_HOSTS = ["portal.example.com"]
    response = Client().get("/api/v1/bots", headers={"host": "evil.example.com"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert response.json()["code"] == "host_not_allowed"


@pytest.mark.parametrize("debug", [True, False])
def test_page_about_an_error_is_a_problem_of_the_same_status(settings, monkeypatch, debug):
    settings.DEBUG = debug

    def fail(*_args, **_options):
        raise ValueError("app-secret-1")

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", fail)
    response = Client(raise_request_exception=False).get("/api/v1/bots")
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert response.json()["code"] == "internal_error"
    assert "app-secret-1" not in response.text


async def test_the_same_over_asgi():
    response = await AsyncClient().get("/api/v1/nothing")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_pages_for_people_stay_pages():
    response = Client().get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/apis", "/proxying"])
def test_other_addresses_stay_pages(path):
    assert Client().get(path)["Content-Type"].startswith("text/html")


def test_request_ends_once(client):
    """Django closes connections when it does, and the test's own would be among them."""
    ended: list[object] = []

    def note(sender, **_signal):
        ended.append(sender)

    request_finished.connect(note)
    try:
        assert client.get("/api/v1/no/such/path").status_code == 404
    finally:
        request_finished.disconnect(note)
    assert len(ended) == 1

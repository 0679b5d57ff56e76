"""Requests that come to a wrong host or by plain http, and forms from an unknown address: refused with the cause and its cure."""

import logging

import httpx2
import pytest
from django.conf import settings as django_settings
from django.test import AsyncClient, Client

from feishu_portal.asgi import application
from feishu_portal.front import arrival
from tests.factories import make_operator

HOST = "portal.example.test"
CALLS = {
    "/api/feishu/webhook/cli_a": 401,
    "/proxy/cli_a/app/open-apis/x": 401,
    "/api/v1/bots": 405,
    "/api/feishu/ws/status": 405,
}
"""Addresses of callers, and what a POST of nobody is answered there once it has arrived well."""
ENGLISH = {"accept-language": "en", "host": HOST}
FORWARDED = {"x-forwarded-proto": "https"}


@pytest.fixture(autouse=True)
def behind_tls(settings, monkeypatch):
    settings.ALLOWED_HOSTS = [HOST]
    settings.HTTPS = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    monkeypatch.setattr(arrival, "_pace", arrival.LogPace())


def browser(**headers: str) -> Client:
    return Client(headers=ENGLISH | headers, enforce_csrf_checks=True)


async def call(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server.internal") as http:
        return await http.post(path, headers={"host": HOST} | headers)


def test_browser_is_sent_to_https_once_and_then_told_what_the_proxy_has_to_do():
    client = browser()
    first = client.get("/oauth/my/?x=1")
    assert (first.status_code, first["Location"]) == (302, f"https://{HOST}/oauth/my/?x=1")
    assert first["Cache-Control"] == "no-store"
    again = client.get("/oauth/my/?x=1")
    assert again.status_code == 400
    assert "X-Forwarded-Proto" in again.text
    assert "<dd>http</dd>" in again.text
    assert again["Content-Security-Policy"]
    assert again["X-Frame-Options"] == "DENY"


def test_header_that_another_proxy_overwrote_is_shown():
    client = browser(**{"x-forwarded-proto": "http"})
    client.get("/admin/login/")
    assert "<dt>X-Forwarded-Proto</dt><dd>http</dd>" in client.get("/admin/login/").text


def test_browser_that_arrives_by_https_is_sent_again_the_next_time(db):
    client = browser()
    client.get("/admin/login/")
    assert client.get("/admin/login/", headers=FORWARDED).status_code == 200
    assert client.get("/admin/login/").status_code == 302


@pytest.mark.parametrize(
    ("language", "words"), [("en", "add it to ALLOWED_HOSTS"), ("zh-CN", "请将其加入 ALLOWED_HOSTS")]
)
def test_wrong_host_is_a_page_that_names_the_setting(language, words):
    answer = browser(**{"host": "upstream-portal", "accept-language": language}).get("/admin/")
    assert answer.status_code == 400
    assert words in answer.text
    assert "<dd>upstream-portal</dd>" in answer.text
    assert HOST not in answer.text


@pytest.mark.parametrize(
    "host", ["", "a b", "x" * 5000, "<script>", "[::1", f"{HOST}:port", f"{HOST}@evil.test"]
)
def test_host_of_any_shape_is_refused_without_being_markup(host):
    answer = browser(host=host).get("/admin/")
    assert answer.status_code == 400
    assert "<script" not in answer.text
    assert len(answer.text) < 5000


def test_each_wrong_host_is_one_line_of_the_log_without_a_traceback(caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            browser(host="upstream-portal").get("/admin/")
    [line] = [record for record in caplog.records if record.message == "host_not_allowed"]
    assert (line.host, line.exc_info) == ("upstream-portal", None)
    assert "ALLOWED_HOSTS" in line.hint
    assert not [record for record in caplog.records if record.name.startswith("django.security")]


async def test_the_same_over_asgi():
    answer = await AsyncClient(headers=ENGLISH | {"host": "upstream-portal"}).get("/admin/")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", CALLS)
async def test_call_to_a_wrong_host_is_a_problem(path):
    answer = await call(path, host="evil.example", **FORWARDED)
    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("headers", [{}, {"x-forwarded-proto": "http"}])
async def test_call_by_plain_http_is_a_problem_that_names_the_header(path, headers):
    answer = await call(path, **headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "https_required")
    assert "X-Forwarded-Proto" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "status"), CALLS.items())
@pytest.mark.parametrize("proto", ["https", "https, http"])
async def test_call_by_https_is_looked_at(path, status, proto):
    answer = await call(path, **{"x-forwarded-proto": proto})
    assert answer.status_code == status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "status"), CALLS.items())
async def test_portal_without_https_takes_calls_by_plain_http(path, status, settings):
    settings.HTTPS, settings.SECURE_PROXY_SSL_HEADER = False, None
    assert (await call(path)).status_code == status


def test_probes_are_answered_whatever_the_host_and_the_scheme(db):
    assert Client().get("/healthz/live", headers={"host": "10.42.8.201:8000"}).status_code == 200


# --- signing in behind a proxy that ends TLS


def sign_in(client: Client, **headers: str):
    token = client.get("/admin/login/", headers=headers).cookies[django_settings.CSRF_COOKIE_NAME].value
    form = {"csrfmiddlewaretoken": token, "username": "lin", "password": "correct horse"}
    return client.post("/admin/login/?next=/admin/", form, headers={"origin": f"https://{HOST}"} | headers)


@pytest.fixture
def lin(db):
    return make_operator("lin")


def test_portal_that_was_not_told_of_its_https_names_the_setting(lin, settings):
    settings.HTTPS, settings.SECURE_PROXY_SSL_HEADER, settings.CSRF_TRUSTED_ORIGINS = False, None, []
    answer = sign_in(browser(), **FORWARDED)
    assert answer.status_code == 403
    assert "CSRF_TRUSTED_ORIGINS" in answer.text
    assert f"https://{HOST}" in answer.text


def test_portal_that_was_told_signs_the_operator_in(lin, settings):
    settings.CSRF_TRUSTED_ORIGINS = [f"https://{HOST}"]
    assert sign_in(browser(), **FORWARDED).status_code == 302


def test_form_without_its_token_is_only_too_old(lin):
    answer = browser().post("/admin/login/", headers=FORWARDED | {"origin": f"https://{HOST}"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.text
    assert 'data-testid="arrived"' not in answer.text

"""What Django is told about the addresses of the portal, by the few variables that an operator sets."""

import runpy

import pytest
from django.http import HttpRequest
from django.test import Client

from feishu_portal.files import BASE_DIR
from feishu_portal.settings_table import SettingsTable

HTTPS = "https://portal.example.test"


@pytest.fixture
def set_up(monkeypatch, tmp_path):
    """The settings as they are read with these variables and no others."""

    def read(**variables: str) -> dict[str, object]:
        monkeypatch.setattr("feishu_portal.logs.logging_config", lambda **_options: None)
        for variable in SettingsTable.variables():
            monkeypatch.delenv(variable.name, raising=False)
        given = {"DEBUG": "on", "DATA_DIR": str(tmp_path), "ENV_FILE": "/dev/null"} | variables
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(BASE_DIR / "feishu_portal" / "settings.py"))

    return read


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        ("http://[fd00::12]:8000", "[fd00::12]", "http://[fd00::12]:8000"),
        ("https://[fd00::12]", "[fd00::12]", "https://[fd00::12]"),
        ("https://Portal.example.test:443/", "portal.example.test", HTTPS),
        ("https://portal.example.test:8443", "portal.example.test", "https://portal.example.test:8443"),
        ("http://10.0.0.7:8000", "10.0.0.7", "http://10.0.0.7:8000"),
    ],
)
def test_portal_answers_at_its_public_url(set_up, public_url, host, origin):
    read = set_up(PUBLIC_URL=public_url)
    assert read["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]", host]
    assert read["CSRF_TRUSTED_ORIGINS"] == [origin]


@pytest.mark.parametrize("host", ["[fd00::12]:8000", "[fd00::12]"])
def test_page_under_an_ipv6_address_is_answered(set_up, settings, host, db):
    settings.ALLOWED_HOSTS = set_up(PUBLIC_URL="http://[fd00::12]:8000")["ALLOWED_HOSTS"]
    request = HttpRequest()
    request.META = {"HTTP_HOST": host}
    assert request.get_host() == host
    assert Client().get("/admin/login/", HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize(
    ("variables", "is_https"),
    [
        ({}, False),
        ({"PUBLIC_URL": "http://portal.example.test"}, False),
        ({"PUBLIC_URL": HTTPS}, True),
        ({"CSRF_TRUSTED_ORIGINS": HTTPS}, True),
        ({"CSRF_TRUSTED_ORIGINS": f"{HTTPS},http://portal:8000"}, False),
    ],
)
def test_https_is_what_all_browsers_use_or_nobody(set_up, variables, is_https):
    read = set_up(**variables)
    cookies = [read["SESSION_COOKIE_SECURE"], read["CSRF_COOKIE_SECURE"]]
    prefixes = [str(read[name]).startswith("__Host-") for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")]
    assert [read["HTTPS"], *cookies, *prefixes, read["SECURE_PROXY_SSL_HEADER"] is not None] == [is_https] * 6


@pytest.mark.parametrize(
    ("hsts", "header"),
    [
        (None, "max-age=31536000"),
        ("host", "max-age=31536000"),
        ("off", None),
        ("subdomains", "max-age=31536000; includeSubDomains"),
        ("preload", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts_speaks_for_the_portals_own_host_unless_more_is_asked_for(set_up, settings, hsts, header):
    read = set_up(PUBLIC_URL="https://corp.example.test", **({"HSTS": hsts} if hsts else {}))
    for name in ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"):
        setattr(settings, name, read[name])
    settings.ALLOWED_HOSTS = read["ALLOWED_HOSTS"]
    answer = Client().get("/no/such/page", HTTP_HOST="corp.example.test", secure=True)
    assert answer.headers.get("Strict-Transport-Security") == header


def test_plain_http_has_no_hsts(set_up):
    assert set_up(PUBLIC_URL="http://corp.example.test", HSTS="preload")["SECURE_HSTS_SECONDS"] == 0


@pytest.mark.parametrize(("variables", "processes"), [({}, 2), ({"FEISHU_WORKER_PROCESSES": "5"}, 5)])
def test_worker_has_the_processes_it_was_given_however_many_cores_there_are(
    set_up, monkeypatch, variables, processes
):
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert set_up(**variables)["CELERY_WORKER_CONCURRENCY"] == processes

import pytest
from django.core.checks import run_checks
from django.core.management import load_command_class

from core.checks import SETTINGS


def ids(*, deploy: bool = False) -> set[str]:
    return {
        message.id
        for message in run_checks(include_deployment_checks=deploy)
        if message.id.startswith("feishu_portal")
    }


@pytest.fixture(autouse=True)
def reached_on_loopback(settings):
    settings.PUBLIC_URL = "http://localhost:8000"


def test_nothing_to_complain_about():
    assert ids() == set()


@pytest.mark.parametrize(
    "command",
    ["addapiclient", "addbot", "checkbot", "pruneevents", "prunerecords", "rotatekeys", "runfeishu"],
)
def test_command_checks_the_settings_first(command):
    assert SETTINGS in load_command_class("feishu_portal", command).requires_system_checks


def test_plain_http_away_from_loopback(settings):
    settings.PUBLIC_URL = "http://portal.example.com"
    assert ids() == {"feishu_portal.W001"}
    settings.PUBLIC_URL = "http://localhost:8000"
    assert ids() == set()


def test_translations_that_are_not_compiled(monkeypatch):
    monkeypatch.setattr("feishu_portal.catalogue.is_compiled", lambda: False)
    assert ids() == {"feishu_portal.W005"}


def test_production_without_its_servers(settings, monkeypatch):
    settings.REDIS_URL = settings.PUBLIC_URL = ""
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert ids(deploy=True) >= {"feishu_portal.W002", "feishu_portal.W003", "feishu_portal.W004"}

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import load_command_class
from django.core.management.base import SystemCheckError

from feishu_portal.environment import made_once


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
    "command", ["addapiclient", "addbot", "checkbot", "pruneevents", "rotatekeys", "runfeishu"]
)
def test_command_says_what_is_wrong_with_the_settings(settings, command):
    settings.ENCRYPTION_KEYS = ["not a key"]
    loaded = load_command_class("feishu_portal", command)
    with pytest.raises(SystemCheckError, match=r"feishu_portal\.E001"):
        loaded.check(tags=loaded.requires_system_checks)


@pytest.mark.parametrize("keys", [["not a key"], []])
def test_key_that_is_none(settings, keys):
    settings.ENCRYPTION_KEYS = keys
    assert ids() == {"feishu_portal.E001"}


@pytest.mark.parametrize(
    "url", ["portal.example.com", "ftp://portal.example.com", "https://", "https://a.b/?x=1"]
)
def test_public_url_that_is_none(settings, url):
    settings.PUBLIC_URL = url
    assert "feishu_portal.E002" in ids()


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


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_missing_key_refuses_to_start_in_production_and_says_how_to_make_one(monkeypatch, tmp_path, name):
    monkeypatch.delenv(name)
    with pytest.raises(ImproperlyConfigured, match="python -c"):
        made_once(name, tmp_path / "key", debug=False)
    assert list(tmp_path.iterdir()) == []


def test_development_key_is_made_once_and_readable_by_the_owner_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("ENCRYPTION_KEYS")
    file = tmp_path / "new" / "key"
    key = made_once("ENCRYPTION_KEYS", file, debug=True)
    assert made_once("ENCRYPTION_KEYS", file, debug=True) == key
    assert file.stat().st_mode & 0o777 == 0o600


def test_key_can_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert made_once("SECRET_KEY", tmp_path / "other", debug=False) == "from a file"

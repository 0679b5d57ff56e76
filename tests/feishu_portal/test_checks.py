import os

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command, load_command_class
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from core.checks import SETTINGS


def ids(*, deploy: bool = False) -> set[str]:
    return {
        message.id
        for message in run_checks(include_deployment_checks=deploy)
        if message.id.startswith("feishu_portal")
    }


@pytest.fixture(autouse=True)
def reached_on_loopback(settings, monkeypatch):
    settings.PUBLIC_URL = "http://localhost:8000"
    settings.CSRF_TRUSTED_ORIGINS = ["http://localhost:8000"]
    for name in [name for name in os.environ if name.startswith("FEISHU_")]:
        monkeypatch.delenv(name)


def test_nothing_to_complain_about():
    assert ids() == set()


@pytest.mark.parametrize(
    "command",
    [
        "addapiclient",
        "addbot",
        "checkbot",
        "pruneevents",
        "prunerecords",
        "rotatekeys",
        "runfeishu",
        "runportal",
    ],
)
def test_command_checks_the_settings_first(command):
    assert SETTINGS in load_command_class("feishu_portal", command).requires_system_checks


@pytest.mark.django_db
def test_migrate_refuses_settings_that_cannot_be(settings):
    """It checks them and the database, and loads no page for it."""
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://portal.example.com", ["other.example.com"]
    with pytest.raises(SystemCheckError, match=r"feishu_portal\.E004"):
        call_command("migrate", plan=True, skip_checks=False)


def test_plain_http_away_from_loopback(settings):
    settings.PUBLIC_URL = "http://portal.example.com"
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = (
        ["portal.example.com"],
        ["http://portal.example.com"],
    )
    assert ids() == {"feishu_portal.W001"}


def test_translations_that_are_not_compiled(monkeypatch):
    monkeypatch.setattr("feishu_portal.catalogue.is_compiled", lambda: False)
    assert ids() == {"feishu_portal.W005"}


def test_production_without_its_servers(settings, monkeypatch):
    settings.REDIS_URL = settings.PUBLIC_URL = ""
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    settings.EMAIL_IS_SET_UP, settings.ALLOWED_HOSTS = False, ["*"]
    numbers = ("W002", "W003", "W004", "W008", "W009")
    assert ids(deploy=True) >= {f"feishu_portal.{number}" for number in numbers}


def test_data_folder_of_somebody_else(monkeypatch):
    monkeypatch.setattr("feishu_portal.data_folder.is_writable", lambda _folder: False)
    assert ids() == {"feishu_portal.E010"}


def test_data_folder_that_others_read(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    tmp_path.chmod(0o755)
    assert "feishu_portal.W010" in ids(deploy=True)
    tmp_path.chmod(0o750)
    assert "feishu_portal.W010" not in ids(deploy=True)


@pytest.mark.parametrize(
    ("engine", "redis_url", "is_told"),
    [
        ("sqlite3", "redis://redis/0", True),
        ("postgresql", "", True),
        ("postgresql", "redis://redis/0", False),
    ],
)
def test_data_folder_that_ends_with_the_container_is_told_where_nothing_else_has_what_it_holds(
    settings, monkeypatch, engine, redis_url, is_told
):
    monkeypatch.setattr("feishu_portal.data_folder.fleeting_file_system", lambda _folder: "overlay")
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")
    settings.REDIS_URL = redis_url
    assert ("feishu_portal.W011" in ids(deploy=True)) == is_told


@pytest.mark.parametrize(
    ("public_url", "hosts", "origins", "found"),
    [
        ("https://a.example", ["b.example"], ["https://a.example"], {"E004"}),
        ("https://a.example", [".example"], ["https://*.example"], set()),
        ("https://a.example:8443", ["a.example"], ["https://a.example"], {"W006"}),
        ("https://a.example", ["a.example"], ["http://a.example"], {"W006"}),
        ("http://[::1]:8000", ["[::1]"], ["http://[::1]:8000"], set()),
        ("", ["b.example"], ["https://b.example"], set()),
    ],
)
def test_lists_that_leave_the_public_url_out(settings, public_url, hosts, origins, found):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = public_url, hosts, origins
    assert ids() == {f"feishu_portal.{number}" for number in found}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FEISHU_LEASE_SECOND", "FEISHU_LEASE_SECONDS"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("TIMEZONE", "TIME_ZONE"),
        ("ENCRYPTION_KEY", "ENCRYPTION_KEYS"),
        ("FEISHU_NO_SUCH_THING", "docs/reference/settings.md"),
    ],
)
def test_misspelt_variable_is_named_beside_the_one_that_is_meant(monkeypatch, name, meant):
    monkeypatch.setenv(name, "the-value")
    [message] = [one for one in run_checks() if one.id == "feishu_portal.W007"]
    assert name in message.msg
    assert meant in message.hint
    assert "the-value" not in str(message)


@pytest.mark.parametrize(
    "name", ["SECRET_KEY_FILE", "FEISHU_APP_SECRET", "FEISHU_HANDLERS", "HOSTNAME", "LANG"]
)
def test_variable_that_is_read_or_somebody_elses_is_not(monkeypatch, name):
    monkeypatch.setenv(name, "")
    assert ids() == set()


@pytest.mark.django_db
def test_database_that_does_not_answer_is_said_only_where_it_is_asked(monkeypatch):
    def refused():
        raise OperationalError("connection refused, password=hunter2-hunter2")

    monkeypatch.setattr(connection, "ensure_connection", refused)
    assert ids() == set()
    # Django's own checks of models may ask SQLite what it can.
    checks = run_checks(tags=[Tags.database], databases=["default"])
    [message] = [one for one in checks if one.id == "feishu_portal.E005"]
    assert "connection refused" in message.msg
    assert "hunter2" not in message.msg

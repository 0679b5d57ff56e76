import os
from pathlib import Path

import pytest

from feishu_portal import validators
from feishu_portal.environment import WrongSettingsError, add_handler_switches, read_environment
from feishu_portal.files import BASE_DIR
from feishu_portal.settings_table import SettingsTable
from feishu_portal.variables import KeyVariable

SECRET = "hunter2-hunter2"
KEY = "dGhlLWZlcm5ldC1rZXktb2YtdGhlLXRlc3Qtc3VpdGU="


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path) -> Path:
    """DATA_DIR, in an environment that sets nothing else."""
    for variable in SettingsTable.variables():
        monkeypatch.delenv(variable.name, raising=False)
    for name, value in {
        "ENV_FILE": os.devnull,
        "SECRET_KEY": SECRET,
        "ENCRYPTION_KEYS": KEY,
        "DATA_DIR": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "data"


def problems() -> list[str]:
    with pytest.raises(WrongSettingsError) as caught:
        read_environment()
    return str(caught.value).splitlines()


def test_keys_that_make_run_has_made_are_pointed_at(folder, monkeypatch):
    monkeypatch.setenv("DEBUG", "on")
    monkeypatch.delenv("SECRET_KEY")
    read_environment()
    monkeypatch.setenv("DEBUG", "off")
    assert "export DEBUG=on" in problems()[-1]


def test_nothing_set_leaves_the_defaults_of_the_table():
    values = read_environment()
    assert (values.FEISHU_LEASE_SECONDS, values.FEISHU_MAX_CONNECTIONS) == (6.0, 500)
    assert (values.DEBUG, values.LOG_LEVEL, values.LANGUAGE_CODE) == (False, "INFO", "zh-hans")
    assert (values.DATABASE_URL, values.REDIS_URL, values.PUBLIC_URL, values.ALLOWED_HOSTS) == (
        "",
        "",
        "",
        [],
    )
    assert (values.FEISHU_DELIVERY_NETWORKS, values.FEISHU_HANDLERS) == (["public"], [])
    assert values.FEISHU_HANDLER_SWITCHES == {}


@pytest.mark.parametrize("variable", SettingsTable.variables(), ids=lambda variable: variable.name)
def test_default_is_a_value_that_can_be_set(variable, monkeypatch):
    if variable.default and variable is not SettingsTable.ENV_FILE:
        monkeypatch.setenv(variable.name, variable.default)
        read_environment()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DEBUG", "Yes", True), ("DEBUG", "0", False), ("DEBUG", "", False),
        ("LOG_LEVEL", "warning", "WARNING"), ("LOG_FORMAT", "JSON", "json"), ("LANGUAGE_CODE", "zh-Hans", "zh-hans"),
        ("FEISHU_LEASE_SECONDS", " 2.5 ", 2.5), ("FEISHU_LEASE_SECONDS", "", 6.0), ("FEISHU_PLATFORM_POLL_MINUTES", "0", 0.0),
        ("FEISHU_HANDLERS", "a, b.c,", ["a", "b.c"]),
        ("FEISHU_METRICS_PORT", "", 0), ("FEISHU_METRICS_HOST", "[::]", "::"), ("FEISHU_METRICS_HOST", "127.0.0.1", "127.0.0.1"),
        ("FEISHU_DELIVERY_NETWORKS", "public, 10.0.0.0/8,fd00::/8,192.0.2.1", ["public", "10.0.0.0/8", "fd00::/8", "192.0.2.1"]),
        ("FEISHU_DELIVERY_NETWORKS", "", []),
        ("ALLOWED_HOSTS", "portal,.example.com,[::1],*", ["portal", ".example.com", "[::1]", "*"]),
        ("ALLOWED_HOSTS", "Portal.Example.COM,fd00::12,[FD00:0::12],门户.example.com", ["portal.example.com", "[fd00::12]", "[fd00::12]", "xn--zoup46i.example.com"]),
        ("PUBLIC_URL", "https://portal.example.com:8443/", "https://portal.example.com:8443"),
        ("PUBLIC_URL", "HTTPS://Portal.Example.com:443", "https://portal.example.com"),
        ("PUBLIC_URL", "http://portal.example.com.:80/", "http://portal.example.com"),
        ("PUBLIC_URL", "http://[FD00:0::12]:8000", "http://[fd00::12]:8000"),
        ("PUBLIC_URL", "https://门户.example.com", "https://xn--zoup46i.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://A.example:443,http://b.example:8000", ["https://a.example", "http://b.example:8000"]),
        ("CSRF_TRUSTED_ORIGINS", "https://*.example.com", ["https://*.example.com"]),
        ("REDIS_URL", "rediss://:p%40ss@redis:6379/3", "rediss://:p%40ss@redis:6379/3?ssl_cert_reqs=required"),
        ("EMAIL_URL", "smtp+ssl://mail.example.com", "smtp+ssl://mail.example.com"),
        ("DEFAULT_FROM_EMAIL", "Portal <a@b.example>", "Portal <a@b.example>"),
        ("SECRET_KEY", "$not-a-reference", "$not-a-reference"),
        ("FEISHU_HANDLER_SWITCHES", "A, B2=on,C_D = off", {"A": True, "B2": True, "C_D": False}),
    ],
)  # fmt: skip
def test_value_is_read_as_what_it_is(name, text, value, monkeypatch):
    monkeypatch.setenv(name, text)
    assert getattr(read_environment(), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DEBUG", "maybe"), ("DEBUG", "2"),
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("LANGUAGE_CODE", "fr"),
        ("TIME_ZONE", "Mars/Olympus"), ("TIME_ZONE", "Asia"), ("TIME_ZONE", "../../etc/passwd"),
        ("FEISHU_LEASE_SECONDS", "six"), ("FEISHU_LEASE_SECONDS", "-1"), ("FEISHU_LEASE_SECONDS", "nan"),
        ("FEISHU_LEASE_SECONDS", "6s"), ("FEISHU_SWEEP_SECONDS", "0"), ("FEISHU_RETRY_SECONDS", "inf"),
        ("FEISHU_MAX_CONNECTIONS", "0"), ("FEISHU_MAX_CONNECTIONS", "1.5"), ("FEISHU_WEB_DATABASE_CONNECTIONS", "-3"),
        ("FEISHU_EVENT_RETENTION_DAYS", "1"), ("FEISHU_TOKEN_USE_DAYS", "1000000"),
        ("PUBLIC_URL", "portal.example.com"), ("PUBLIC_URL", "ftp://portal.example.com"), ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://a.b/?x=1"), ("PUBLIC_URL", "https://a.b/#top"), ("PUBLIC_URL", "https://a.b:port"),
        ("PUBLIC_URL", "https://a b.c"), ("PUBLIC_URL", "https://[::1"), ("PUBLIC_URL", "/portal"),
        ("PUBLIC_URL", "https://apps.example.test/feishu-portal"), ("PUBLIC_URL", "https://host/feishu/"),
        ("PUBLIC_URL", "https://*.example.com"), ("PUBLIC_URL", "https://a..b"), ("PUBLIC_URL", "https://a.b:70000"),
        ("PUBLIC_URL", "http://[fd00::zz]:8000"), ("PUBLIC_URL", "https://a$b"), ("PUBLIC_URL", "http://fd00::12"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.b/portal"), ("CSRF_TRUSTED_ORIGINS", "portal.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://*"),
        ("PUBLIC_URL", "http://feishu_portal:8000"), ("PUBLIC_URL", "http://[fe80::1%25eth0]:8000"),
        ("CSRF_TRUSTED_ORIGINS", "http://feishu_portal:8000"),
        ("ALLOWED_HOSTS", "https://portal.example.com"), ("ALLOWED_HOSTS", "portal:8000"), ("ALLOWED_HOSTS", "feishu_portal"),
        ("DEFAULT_FROM_EMAIL", "portal"),
        ("FEISHU_HANDLERS", "company/handlers.py"),
        ("FEISHU_METRICS_PORT", "70000"), ("FEISHU_METRICS_HOST", "localhost"), ("FEISHU_METRICS_HOST", "10.0.0.0/8"),
        ("FEISHU_DELIVERY_NETWORKS", "public,intranet"), ("FEISHU_DELIVERY_NETWORKS", "10.0.0.1/8"),
        ("FEISHU_HANDLER_SWITCHES", "lower"), ("FEISHU_HANDLER_SWITCHES", "A=perhaps"), ("FEISHU_HANDLER_SWITCHES", "A,A=off"),
        ("FEISHU_HANDLER_SWITCHES", "9A"), ("FEISHU_HANDLER_SWITCHES", "=on"), ("FEISHU_HANDLER_SWITCHES", "A-B"),
        ("FEISHU_HANDLER_SWITCHES", "A="),
    ],
)  # fmt: skip
def test_wrong_value_is_named_and_shown_in_both_languages(name, text, monkeypatch):
    monkeypatch.setenv(name, text)
    [problem] = problems()
    assert problem.startswith(f"{name} ")
    assert f". {name} " in problem
    assert problem.endswith("。")
    assert problem.count(repr(text)) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENCRYPTION_KEYS", SECRET), ("ENCRYPTION_KEYS", f"{KEY},{SECRET}"), ("ENCRYPTION_KEYS", ","),
        ("DATABASE_URL", SECRET), ("DATABASE_URL", f"mysql://u:{SECRET}@db/portal"),
        ("DATABASE_URL", f"postgres://u:{SECRET}/@db/portal"), ("DATABASE_URL", f"://u:{SECRET}@db/portal"),
        ("DATABASE_URL", f"sqlite:////nowhere/{SECRET}/portal.sqlite3"), ("DATABASE_URL", f"sqlite://{SECRET}"),
        ("REDIS_URL", SECRET), ("REDIS_URL", f"http://:{SECRET}@redis/0"), ("REDIS_URL", f"redis://:{SECRET}@redis/zero"),
        ("REDIS_URL", f"redis://:{SECRET}#@redis/0"), ("REDIS_URL", "redis://"),
        ("EMAIL_URL", SECRET), ("EMAIL_URL", f"imap://u:{SECRET}@mail"), ("EMAIL_URL", f"smtp://u:{SECRET}@mail:port"),
        ("EMAIL_URL", "smtp+tls://"),
        ("PUBLIC_URL", f"https://u:{SECRET}@portal.example.com"),
        ("SECRET_KEY_FILE", f"/nowhere/{SECRET}"), ("REDIS_URL_FILE", f"/nowhere/{SECRET}"),
    ],
)  # fmt: skip
def test_wrong_value_that_is_secret_is_named_and_not_shown(name, text, monkeypatch, recwarn):
    monkeypatch.setenv(name, text)
    [problem] = problems()
    assert problem.startswith(name.removesuffix("_FILE"))
    assert SECRET not in problem
    assert not recwarn


def test_every_wrong_variable_is_named_at_once(monkeypatch):
    for name in ("DEBUG", "TIME_ZONE", "FEISHU_LEASE_SECONDS", "DATABASE_URL"):
        monkeypatch.setenv(name, "rubbish")
    monkeypatch.delenv("SECRET_KEY")
    assert sorted(problem.split()[0] for problem in problems()) == [
        "DATABASE_URL", "DEBUG", "FEISHU_LEASE_SECONDS", "SECRET_KEY", "TIME_ZONE",
    ]  # fmt: skip


def test_long_value_is_shown_in_part(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "x" * 1000)
    [problem] = problems()
    assert len(problem) < 400


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_missing_key_is_refused_in_production_and_how_to_make_one_is_said(name, monkeypatch, folder):
    monkeypatch.setenv(name, " ")
    [problem] = problems()
    assert problem.startswith(f"{name} is not set. Make one with python -c ")
    assert not folder.exists()


def test_development_keys_are_made_once_and_readable_by_the_owner_alone(monkeypatch, folder):
    monkeypatch.setenv("DEBUG", "on")
    keys = [variable for variable in SettingsTable.variables() if isinstance(variable, KeyVariable)]
    for key in keys:
        monkeypatch.delenv(key.name)
    made, read = read_environment(), read_environment()
    assert made.SECRET_KEY == read.SECRET_KEY
    assert made.ENCRYPTION_KEYS == read.ENCRYPTION_KEYS
    assert [(folder / key.file).stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]


def test_development_key_that_was_spoilt_is_told_without_showing_it(monkeypatch, folder):
    monkeypatch.setenv("DEBUG", "on")
    monkeypatch.delenv("ENCRYPTION_KEYS")
    folder.mkdir()
    (folder / "encryption_key").write_text(SECRET)
    [problem] = problems()
    assert problem.startswith("ENCRYPTION_KEYS cannot be had from ")
    assert SECRET not in problem


def test_data_folder_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    [problem] = problems()
    assert problem.startswith("DATA_DIR names a folder that cannot be made")


def test_relative_data_folder_lies_beside_the_code(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "tests")
    assert read_environment().DATA_DIR == BASE_DIR / "tests"


def test_value_can_come_from_a_file_which_comes_first(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert read_environment().SECRET_KEY == "from a file"


def test_file_of_a_value_that_is_no_text_is_told(monkeypatch, tmp_path):
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert problems()[0].startswith(
        "SECRET_KEY cannot be read from the file that SECRET_KEY_FILE names: not UTF-8"
    )


@pytest.fixture
def env_file(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr("environ.Env.ENVIRON", os.environ)
    os.environ["ENV_FILE"] = str(tmp_path / "variables")
    return tmp_path / "variables"


def test_env_file_sets_what_the_environment_does_not(env_file):
    env_file.write_text(
        "# a comment\n\n  export TIME_ZONE='Asia/Tokyo' \nLOG_LEVEL=ERROR\nSECRET_KEY=another\n"
    )
    os.environ["LOG_LEVEL"] = "DEBUG"
    values = read_environment()
    assert (values.TIME_ZONE, values.LOG_LEVEL, values.SECRET_KEY) == ("Asia/Tokyo", "DEBUG", SECRET)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "names a file that cannot be read"),
        (b"\xff", "names a file that is not UTF-8 text"),
        (f"LOG_LEVEL=INFO\nSECRET_KEY = {SECRET}".encode(), "names a file whose line 2 is not NAME=value"),
    ],
)
def test_env_file_that_cannot_be_read_is_told_without_its_content(env_file, content, complaint, caplog):
    if content is not None:
        env_file.write_bytes(content)
    [problem] = problems()
    assert problem.startswith(f"ENV_FILE {complaint}")
    assert SECRET not in problem + caplog.text


def test_switch_becomes_a_setting():
    settings = {"DEBUG": True}
    add_handler_switches(settings, {"GREETING": False, "SURVEY": True})
    assert settings == {"DEBUG": True, "GREETING": False, "SURVEY": True}


def test_switch_that_would_replace_a_setting_is_refused():
    settings = {"UNFOLD": {}}
    with pytest.raises(WrongSettingsError) as caught:
        add_handler_switches(settings, {"UNFOLD": True, "MEDIA_ROOT": True, "GREETING": True})
    assert str(caught.value).startswith("FEISHU_HANDLER_SWITCHES cannot name UNFOLD, MEDIA_ROOT: ")
    assert settings == {"UNFOLD": {}}


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("rediss://h/0", "rediss://h/0?ssl_cert_reqs=required"),
        ("rediss://h?a=b", "rediss://h?a=b&ssl_cert_reqs=required"),
        ("rediss://h?ssl_cert_reqs=none", "rediss://h?ssl_cert_reqs=none"),
        ("redis://h/0", "redis://h/0"),
        ("REDIS://h/0", "redis://h/0"),
        ("Rediss://h", "rediss://h?ssl_cert_reqs=required"),
    ],
)
def test_redis_over_tls_is_verified_unless_the_address_says_otherwise(given, used):
    assert validators.redis_url(given) == used


@pytest.mark.parametrize(
    "value", ["https://a.example/path", "a.example", "ftp://a.example", "https://u@a.example"]
)
def test_trusted_origin_is_scheme_and_host(value):
    with pytest.raises(ValueError, match="origins"):
        validators.origin(value)

import os
import sys

import pytest

from core import __version__
from feishu_portal import command_line
from feishu_portal.command_line import ROLES, main, manage


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that reach Django, instead of being run."""
    found: list[list[str]] = []
    monkeypatch.setattr("django.core.management.execute_from_command_line", found.append)
    monkeypatch.setenv("DEBUG", "off")
    return found


@pytest.fixture
def celery(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that reach Celery, instead of being run."""
    found: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr("celery.__main__.main", lambda: found.append(sys.argv))
    return found


@pytest.mark.parametrize("arguments", [[], ["demo"]])
def test_demo_is_what_runs_by_default(
    managed: list[list[str]], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.delenv("DEBUG")
    main(["feishu-portal", *arguments])

    assert managed == [["feishu-portal", "runportal", "--sandbox"]]
    assert command_line.os.environ["DEBUG"] == "on"


def test_options_alone_are_those_of_the_demo(managed: list[list[str]]) -> None:
    main(["feishu-portal", "--port", "9000"])

    assert managed == [["feishu-portal", "runportal", "--sandbox", "--port", "9000"]]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["portal", "--port", "9000"], ["runportal", "--port", "9000"]),
        (["listener", "--node", "one"], ["runfeishu", "--node", "one"]),
        (["migrate", "--plan"], ["migrate", "--plan"]),
        (["manage", "migrate"], ["migrate"]),
        (["manage"], []),
        (["help", "migrate"], ["help", "migrate"]),
    ],
)
def test_commands_reach_django(managed: list[list[str]], arguments: list[str], command: list[str]) -> None:
    main(["feishu-portal", *arguments])

    assert managed == [["feishu-portal", *command]]


@pytest.mark.parametrize(
    ("role", "arguments"),
    [
        ("worker", ["worker"]),
        ("refresher", ["worker", "--queues", "token_refresh", "--pool", "threads"]),
        ("beat", ["beat"]),
    ],
)
def test_roles_of_celery_are_its_own_commands(
    celery: list[list[str]], role: str, arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["feishu-portal", role, "--loglevel", "INFO"])

    assert not ended.value.code
    assert celery == [["celery", "--app", "feishu_portal", *arguments, "--loglevel", "INFO"]]


def test_web_waits_a_bounded_time_for_requests_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    monkeypatch.setattr("uvicorn.main", lambda arguments, **_options: found.extend(arguments))
    main(["feishu-portal", "web", "--port", "9000"])

    assert found[0] == "feishu_portal.asgi:application"
    assert found[found.index("--timeout-graceful-shutdown") + 1] == "10"
    assert found[-2:] == ["--port", "9000"]


@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
@pytest.mark.parametrize("locale", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_usage_names_every_role_in_the_terminals_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flag: str, locale: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    main(["feishu-portal", flag])
    shown = capsys.readouterr().out

    for name, (_, text) in ROLES.items():
        assert name in shown
        assert (text.zh_cn in shown) == locale.startswith("zh")
        assert (text.en_us in shown) == locale.startswith("en")


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["feishu-portal", "--version"])

    assert capsys.readouterr().out == f"{__version__}\n"


def test_sandbox_is_run_without_settings(monkeypatch: pytest.MonkeyPatch, managed: list[list[str]]) -> None:
    found = []
    monkeypatch.setattr("sandbox.command.main", lambda arguments, program: found.append((arguments, program)))
    with pytest.raises(SystemExit):
        manage(["/somewhere/manage.py", "runsandbox", "--port", "9900"])

    assert found == [(["--port", "9900"], "manage.py runsandbox")]
    assert managed == []


def test_command_whose_reader_has_seen_enough_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr(
            "django.core.management.execute_from_command_line", lambda _argv: output.write("a list")
        )
        with pytest.raises(SystemExit) as ended:
            manage(["manage.py", "checkbot"])
    assert ended.value.code == 141


def test_broken_connection_of_a_command_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_argv: list[str]) -> None:
        raise BrokenPipeError

    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as output, os.fdopen(reading):
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr("django.core.management.execute_from_command_line", fail)
        with pytest.raises(BrokenPipeError):
            manage(["manage.py", "checkbot"])

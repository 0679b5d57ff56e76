"""A person's token in a file: fresh, whole, for its owner alone, and clear words where there is none."""

import argparse
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from feishu import tls
from feishu_portal import command_line, token_file
from feishu_portal.token_file import (
    Form,
    NoTokenError,
    Wanted,
    add_arguments,
    keep,
    main,
    wanted_by,
    write_fresh,
)
from tests.services.ports import free_port
from tests.services.processes import PROJECT

URL = "https://portal.example.com"


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted(tmp_path / "token", URL, "cli_0123456789abcdef", "li.lei@example.com", key="fp_key")


class Portal:
    """Answers one after the other, the last for ever."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def client(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self))


def token(text: str = "u-token", *, minutes: float = 120) -> httpx2.Response:
    ends_at = datetime.now(UTC) + timedelta(minutes=minutes)
    return httpx2.Response(200, json={"access_token": text, "expires_at": ends_at.isoformat()})


def untrusted() -> httpx2.ConnectError:
    error = httpx2.ConnectError("unknown authority")
    error.__cause__ = ssl.SSLCertVerificationError("unknown authority")
    return error


def problem(status: int, code: str, **more: object) -> httpx2.Response:
    headers = {"Retry-After": "7"} if status in {429, 503} else {}
    return httpx2.Response(status, json={"code": code, "detail": "Said so.", **more}, headers=headers)


def test_file_has_the_token_and_is_its_owners_alone(wanted: Wanted) -> None:
    wanted.file.write_text("an older one, readable by all")
    wanted.file.chmod(0o644)
    portal = Portal(token())
    ends_at = write_fresh(wanted, portal.client())
    assert wanted.file.read_text() == "u-token\n"
    assert wanted.file.stat().st_mode & 0o777 == 0o600
    assert ends_at > datetime.now(UTC)
    assert list(wanted.file.parent.iterdir()) == [wanted.file]
    [asked] = portal.requests
    assert asked.url.raw_path == b"/api/v1/bots/cli_0123456789abcdef/users/li.lei%40example.com/token"
    assert asked.headers["authorization"] == "Bearer fp_key"


def test_official_command_line_finds_its_variables(wanted: Wanted) -> None:
    form = Wanted(wanted.file, URL, wanted.bot, "ou_1", key="k", form=Form.LARK_CLI)
    write_fresh(form, Portal(token()).client())
    assert dict(line.split("=") for line in wanted.file.read_text().splitlines()) == {
        "LARKSUITE_CLI_APP_ID": wanted.bot,
        "LARKSUITE_CLI_USER_ACCESS_TOKEN": "u-token",
        "LARKSUITE_CLI_DEFAULT_AS": "user",
    }


@pytest.mark.parametrize(
    ("answer", "words", "may_come"),
    [
        (problem(401, "caller_unauthenticated"), "caller_unauthenticated: Said so.", False),
        (problem(403, "not_permitted"), "not_permitted: Said so.", False),
        (problem(404, "not_found"), "not_found: Said so.", False),
        (problem(404, "token_not_found"), "/auth to the bot", True),
        (problem(409, "reauthorization_required", authorize_url="https://p/x"), "Open https://p/x as that person", True),
        (problem(429, "too_many_calls"), "too_many_calls", True),
        (problem(503, "refresh_in_progress"), "refresh_in_progress", True),
        (httpx2.Response(200, content=b"<html>"), "is no portal (HTTP 200)", False),
        (httpx2.Response(502, content=b"<html>"), "is no portal (HTTP 502)", True),
        (httpx2.Response(200, json=[]), "refused: HTTP 200", False),
        (httpx2.ConnectError("no"), "cannot be reached: ConnectError", True),
        (httpx2.InvalidURL("no"), "cannot be reached: InvalidURL", True),
        (untrusted(), "Its certificate is not trusted", True),
        (token("two\nlines"), "no token that a file could hold", False),
        (httpx2.Response(200, json={"code": 0, "access_token": "u-x", "expires_in": 7200}), "does not say when the token ends", False),
        (httpx2.Response(200, json={"access_token": "u-x", "expires_at": 7}), "does not say when the token ends", False),
        (httpx2.Response(200, json={"access_token": "u-x", "expires_at": "2026-01-01"}), "does not say when the token ends", False),
        (httpx2.Response(200, json={"access_token": "u-x", "expires_at": "0001-01-01T00:00:00Z"}), "does not say when", False),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_the_file_stays(
    wanted: Wanted, answer: httpx2.Response | Exception, words: str, *, may_come: bool
) -> None:
    wanted.file.write_text("the old one")
    with pytest.raises(NoTokenError) as raised:
        write_fresh(wanted, Portal(answer).client())
    assert words in str(raised.value)
    assert raised.value.may_come is may_come
    assert "fp_key" not in str(raised.value)
    assert wanted.file.read_text() == "the old one"


def test_file_that_cannot_be_written_is_said(wanted: Wanted) -> None:
    wanted.file.mkdir()
    with pytest.raises(NoTokenError, match="cannot be written"):
        write_fresh(wanted, Portal(token()).client())
    assert list(wanted.file.parent.iterdir()) == [wanted.file]


class Waits(threading.Event):
    """Notes how long it is waited, and ends after so many times."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        if len(self.waited) == self._most:
            self.set()
        return self.is_set()


def test_token_is_renewed_ten_minutes_before_its_end(wanted: Wanted) -> None:
    stop, said = Waits(2), []
    keep(wanted, Portal(token("u-1"), token("u-2", minutes=1)).client(), stop, say=said.append)
    assert wanted.file.read_text() == "u-2\n"
    assert 6500 < stop.waited[0] <= 6600
    assert stop.waited[1] == token_file.SHORTEST_PAUSE
    assert len(said) == 1


def test_what_passes_is_said_once_and_tried_again_with_pauses(wanted: Wanted) -> None:
    stop, said = Waits(4), []
    away = httpx2.ConnectError("no")
    portal = Portal(away, away, problem(429, "too_many_calls"), token())
    keep(wanted, portal.client(), stop, say=said.append)
    assert stop.waited[:3] == [5.0, 10.0, 20.0]
    assert [sentence.split(":")[0][:12] for sentence in said] == [
        "The portal c",
        "too_many_cal",
        str(wanted.file)[:12],
    ]


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("9" * 400, 5.0),
        ("86400", token_file.LONGEST_PAUSE),
        ("Fri, 31 Dec 9999 23:59:59 GMT", token_file.LONGEST_PAUSE),
    ],
)
def test_no_gateway_makes_it_wait_for_ever(wanted: Wanted, said: str, pause: float) -> None:
    stop = Waits(1)
    away = httpx2.Response(503, json={"code": "overloaded"}, headers={"Retry-After": said})
    keep(wanted, Portal(away).client(), stop, say=lambda _sentence: None)
    assert stop.waited == [pause]


def test_what_does_not_pass_ends_it(wanted: Wanted) -> None:
    with pytest.raises(NoTokenError):
        keep(wanted, Portal(problem(401, "caller_unauthenticated")).client(), threading.Event(), say=print)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser, "en")
    return parser.parse_args([*arguments, "--bot", "cli_x", "--person", "ou_x"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}/t", "--portal", "portal.example.com"], "an address such as"),
        (["{}/t", "--portal", "http://portal.example.com"], "has to use https"),
        (["{}/no/t", "--portal", URL], "is not there"),
        (["{}/t", "--portal", URL, "--key-file", "{}/none"], "cannot be read"),
        (["{}/t", "--portal", URL], "FEISHU_PORTAL_KEY"),
    ],
)
def test_wrong_arguments_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.delenv("FEISHU_PORTAL_KEY", raising=False)
    with pytest.raises(ValueError, match=words):
        wanted_by(parsed(*(argument.format(tmp_path) for argument in arguments)))


def test_key_comes_from_a_file_or_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("fp_of_file\n")
    file = str(tmp_path / "t")
    assert wanted_by(parsed(file, "--portal", URL, "--key-file", f"{tmp_path}/key")).key == "fp_of_file"
    monkeypatch.setenv("FEISHU_PORTAL_KEY", "fp_of_variable")
    found = wanted_by(parsed(file, "--portal", "http://localhost:8000/"))
    assert (found.key, found.portal) == ("fp_of_variable", "http://localhost:8000")
    assert "fp_of" not in repr(found)


def test_once_writes_and_ends_and_refusals_are_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEISHU_PORTAL_KEY", "fp_key")
    made = httpx2.Client
    portal = Portal(token(), problem(403, "not_permitted"))
    monkeypatch.setattr(token_file.httpx2, "Client", lambda **_: made(transport=httpx2.MockTransport(portal)))
    arguments = [str(tmp_path / "t"), "--portal", URL, "--bot", "cli_x", "--person", "ou_x", "--once"]
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert capsys.readouterr().err == "not_permitted: Said so.\n"
    with pytest.raises(SystemExit) as ended:
        command_line.main(["feishu-portal", "token-file", *arguments])
    assert ended.value.code == 1


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without proxies and certificates of its own."""
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "FEISHU_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FEISHU_PORTAL_KEY", "fp_key")
    tls.trusted.cache_clear()
    yield monkeypatch
    tls._also.clear()
    tls.trusted.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "ALL_PROXY is ignored"),
        ("all_proxy", "socks://127.0.0.1:1/", "all_proxy is ignored"),
        (
            "HTTP_PROXY",
            "http://ops:hush@127.0.0.1:1",
            "the proxy of the environment, http://127.0.0.1:1, right",
        ),
        ("SSL_CERT_FILE", "/no/such/file.pem", "Is http://127.0.0.1"),
    ],
)
def test_what_a_desktop_sets_for_others_ends_in_a_sentence(
    desktop: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    words: str,
) -> None:
    desktop.setenv(name, value)
    portal = f"http://127.0.0.1:{free_port()}"
    arguments = [str(tmp_path / "t"), "--portal", portal, "--bot", "cli_x", "--person", "ou_x", "--once"]
    assert main(arguments) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert "cannot be reached" in sentence
    assert words in sentence
    assert "hush" not in sentence


def test_authority_that_cannot_be_read_is_a_wrong_argument(
    desktop: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in ("ca.pem", "none.pem"):
        desktop.setenv("FEISHU_CA_FILE", str(tmp_path / file))
        with pytest.raises(SystemExit) as ended:
            main([str(tmp_path / "t"), "--portal", URL, "--bot", "cli_x", "--person", "ou_x", "--once"])
        assert ended.value.code == 2
        assert "FEISHU_CA_FILE cannot be used" in capsys.readouterr().err


@pytest.mark.processes
@pytest.mark.only_on("postgres")
def test_it_needs_no_settings_and_ends_at_sigterm(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "FEISHU_PORTAL_KEY": "fp_key"}
    running = subprocess.Popen(
        [sys.executable, "manage.py", "tokenfile", str(tmp_path / "t"), "--portal", "http://127.0.0.1:9", "--bot", "cli_x",
         "--person", "ou_x"],
        cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    try:
        assert "cannot be reached" in running.stderr.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
    finally:
        running.kill()
        running.wait()
        running.stderr.close()
    assert list(tmp_path.iterdir()) == []

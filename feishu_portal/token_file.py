"""Keeps a file with a person's access token fresh, for programs that read one from a file or a variable.

It asks the portal's API with a key, on whatever machine the program runs: it needs no settings and no database.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlsplit

import httpx2

from feishu.diagnosis import reason_of
from feishu.outgoing import DIRECT, OutgoingTransport
from feishu.proxies import proxy_address, unusable_variables
from feishu.reasons import Reason
from feishu.retry_after import retry_after
from feishu.text import Text, terminal_language
from feishu.tls import trust_also, trusted

DESCRIPTION: Final = Text(
    "将某个用户的 user_access_token 保存在文件中并持续更新，供从文件读取令牌的程序使用。通过带 tokens:issue 权限的 API 密钥向门户获取；"
    "文件整体写入，仅所有者可读，到期前更新。",
    "Keep a file with a person's fresh user access token, for programs that take one: asked of a portal with an API key that has "
    "the scope tokens:issue, written whole and readable by nobody else, and renewed before it ends.",
)
KEY_VARIABLE: Final = "FEISHU_PORTAL_KEY"
CA_VARIABLE: Final = "FEISHU_CA_FILE"
MIN_TTL: Final = 1800
"""Seconds that a token which is written lasts at least, as far as the platform allows."""
AHEAD: Final = timedelta(minutes=10)
"""So long before its end the next one is written. Longer than a program holds a token that it has read."""
TIMEOUT: Final = 30.0
"""The portal waits ten seconds for a refresh."""
SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_WAITING: Final = frozenset({"token_not_found", "reauthorization_required"})
"""Codes that end when the person acts."""


class Form(StrEnum):
    """What stands in the file."""

    TOKEN = "token"  # noqa: S105 -- a kind of file
    LARK_CLI = "lark-cli"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose token is kept where. ``portal``: its address."""

    file: Path
    portal: str
    bot: str
    person: str
    key: str = field(repr=False)
    tenant_key: str = ""
    form: Form = Form.TOKEN


class NoTokenError(Exception):
    """There is none now; the message says why, and what to do. ``may_come``: asking again may help."""

    def __init__(self, message: str, *, may_come: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.may_come = may_come
        self.retry_after = retry_after


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """With their help in this language."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=Text(
            "要维护的文件，所在目录须已存在。", "The file to keep; its folder has to be there."
        ).in_language(language),
    )
    parser.add_argument(
        "--portal",
        required=True,
        metavar="URL",
        help=Text("门户地址。", "Address of the portal.").in_language(language),
    )
    parser.add_argument(
        "--bot",
        required=True,
        metavar="APP_ID",
        help=Text("该用户已授权的机器人。", "The bot that the person authorized.").in_language(language),
    )
    parser.add_argument(
        "--person",
        required=True,
        metavar="ID",
        help=Text(
            "open_id、union_id、user_id 或邮箱地址。", "open_id, union_id, user_id or e-mail address."
        ).in_language(language),
    )
    parser.add_argument(
        "--tenant",
        default="",
        metavar="KEY",
        help=Text(
            "仅当两个租户有相同的 open_id 时需要。", "Only where two tenants know the same open_id."
        ).in_language(language),
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help=Text(
            f"存放 API 密钥的文件；不指定则取自环境变量 {KEY_VARIABLE}。",
            f"Where the API key stands; else it is taken from {KEY_VARIABLE}.",
        ).in_language(language),
    )
    parser.add_argument(
        "--format",
        choices=[form.value for form in Form],
        default=Form.TOKEN.value,
        help=Text(
            "仅令牌，或官方命令行工具 lark-cli 使用的变量（默认 %(default)s）。",
            "The token alone, or variables for the official command line lark-cli (default %(default)s).",
        ).in_language(language),
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help=Text(
            "写入一次后退出，例如在任务开始前。", "Write the file once and end, e.g. before a job."
        ).in_language(language),
    )


def wanted_by(options: argparse.Namespace) -> Wanted:
    """What the arguments ask for. Raises ValueError, which says what is wrong with them."""
    parts = urlsplit(options.portal)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("--portal takes an address such as https://portal.example.com.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("--portal has to use https: key and token would cross the network readable.")
    if not options.file.absolute().parent.is_dir():
        raise ValueError(f"The folder {options.file.absolute().parent} is not there.")
    try:
        key = (
            options.key_file.read_text(encoding="utf-8")
            if options.key_file
            else os.environ.get(KEY_VARIABLE, "")
        ).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--key-file cannot be read: {error}") from None
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError(f"Set the API key as {KEY_VARIABLE}, or name its file with --key-file.")
    return Wanted(
        file=options.file.absolute(),
        portal=options.portal.rstrip("/"),
        bot=options.bot,
        person=options.person,
        key=key,
        tenant_key=options.tenant,
        form=Form(options.format),
    )


def write_fresh(wanted: Wanted, http: httpx2.Client) -> datetime:
    """Ask for a token and write it; returns when it ends. Raises NoTokenError; the file is then as it was."""
    token, ends_at = _fetch(wanted, http)
    content = f"{token}\n"
    if wanted.form is Form.LARK_CLI:
        content = (
            f"LARKSUITE_CLI_APP_ID={wanted.bot}\nLARKSUITE_CLI_USER_ACCESS_TOKEN={token}\n"
            "LARKSUITE_CLI_DEFAULT_AS=user\n"
        )
    try:
        _write(wanted.file, content)
    except OSError as error:
        raise NoTokenError(f"{wanted.file} cannot be written: {error.strerror}.") from None
    return ends_at


def _fetch(wanted: Wanted, http: httpx2.Client) -> tuple[str, datetime]:
    address = f"{wanted.portal}/api/v1/bots/{quote(wanted.bot, safe='')}/users/{quote(wanted.person, safe='')}/token"
    body: dict[str, Any] = {"min_ttl": MIN_TTL}
    if wanted.tenant_key:
        body["tenant_key"] = wanted.tenant_key
    try:
        answer = http.post(
            address, json=body, headers={"Authorization": f"Bearer {wanted.key}"}, timeout=TIMEOUT
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        raise NoTokenError(_no_way(error, wanted.portal), may_come=True) from None
    try:
        said = answer.json()
    except ValueError:
        is_a_pause = answer.status_code >= 500
        raise NoTokenError(
            f"What answers at {wanted.portal} is no portal (HTTP {answer.status_code}).", may_come=is_a_pause
        ) from None
    if answer.status_code != 200 or not isinstance(said, dict) or "access_token" not in said:
        raise _refusal(answer, said if isinstance(said, dict) else {})
    token = str(said["access_token"])
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NoTokenError("The portal's answer has no token that a file could hold.")
    ends_at: datetime | None = None
    with suppress(KeyError, TypeError, ValueError):
        ends_at = datetime.fromisoformat(said["expires_at"])
    if ends_at is None or ends_at.tzinfo is None or not 2000 < ends_at.year < 3000:
        raise NoTokenError(
            f"What answers at {wanted.portal} is no portal: it does not say when the token ends."
        )
    return token, ends_at


def _no_way(error: Exception, portal: str) -> str:
    """Why the portal cannot be reached, and what may be wrong on this machine."""
    proxy = DIRECT.proxy_for(portal)
    said = f"The portal cannot be reached: {type(error).__name__}."
    if reason_of(error, proxied=bool(proxy)) is Reason.TLS:
        return (
            f"{said} Its certificate is not trusted: {error}. A company's own authority goes into {CA_VARIABLE}; SSL_CERT_FILE, "
            "where it is set, has to name a file that can be read."
        )
    if proxy:
        return (
            f"{said} Is the proxy of the environment, {proxy_address(proxy)}, right? NO_PROXY excepts hosts."
        )
    ignored = "".join(
        f" {variable.name} is ignored: a proxy is written http://host:port."
        for variable in unusable_variables()
    )
    return f"{said} Is {portal} its address?{ignored}"


def _refusal(answer: httpx2.Response, said: dict[str, Any]) -> NoTokenError:
    code, detail = str(said.get("code", "")), str(said.get("detail", f"HTTP {answer.status_code}"))
    if url := said.get("authorize_url"):
        detail += f" Open {url} as that person."
    elif code == "token_not_found":
        detail += " The person has to authorize the bot first: send them a card, or let them write /auth to the bot."
    may_come = code in _WAITING or answer.status_code == 429 or answer.status_code >= 500
    return NoTokenError(
        f"{code or 'refused'}: {detail}",
        may_come=may_come,
        retry_after=min(retry_after(answer.headers.get("retry-after", "")) or 0.0, LONGEST_PAUSE),
    )


def _write(file: Path, content: str) -> None:
    """Whole or not at all, also where the machine stops meanwhile; a reader sees the old token or the new one."""
    made = None
    try:
        # Readable by its owner alone from the first moment: that is how temporary files are made.
        with NamedTemporaryFile(
            "w", encoding="ascii", dir=file.parent, prefix=f".{file.name}.", delete=False
        ) as new:
            made = Path(new.name)
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        made.replace(file)
        made = None
    finally:
        if made is not None:
            made.unlink(missing_ok=True)


def keep(wanted: Wanted, http: httpx2.Client, stop: threading.Event, *, say: Any) -> None:
    """Write fresh tokens until ``stop`` is set. What passes is told to ``say`` and tried again; raises NoTokenError for what does
    not."""
    failures, told = 0, ""
    while not stop.is_set():
        try:
            ends_at = write_fresh(wanted, http)
        except NoTokenError as error:
            if not error.may_come:
                raise
            if str(error) != told:
                told = str(error)
                say(told)
            pause = max(error.retry_after, min(SHORTEST_PAUSE * 2**failures, LONGEST_PAUSE))
            failures = min(failures + 1, 10)
        else:
            if failures or not told:
                say(f"{wanted.file} has a token until {ends_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.")
            failures, told = 0, "written"
            pause = max((ends_at - AHEAD - datetime.now(UTC)).total_seconds(), SHORTEST_PAUSE)
        stop.wait(pause)


def run(options: argparse.Namespace) -> None:
    """Once, or until the process is asked to end. Raises ValueError and NoTokenError."""
    wanted = wanted_by(options)
    with _client() as http:
        if options.once:
            write_fresh(wanted, http)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _end(stop))
        keep(wanted, http, stop, say=_say)


def _client() -> httpx2.Client:
    """On the ways of the portal's own requests: by the same proxies and authorities. Raises ValueError."""
    if named := os.environ.get(CA_VARIABLE, ""):
        try:
            trust_also(Path(named))
        except OSError as error:  # that of a file without certificates is one
            raise ValueError(f"{CA_VARIABLE} cannot be used: {error}.") from None
    transport = OutgoingTransport(DIRECT, verify=trusted(), limits=httpx2.Limits(max_connections=1))
    return httpx2.Client(transport=transport, trust_env=False)


def _end(stop: threading.Event) -> NoReturn:
    """Also in the middle of a request: what is being written is whole or not at all."""
    stop.set()
    raise SystemExit(0)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """The exit status of the whole program: 1 without a token, 2 for wrong arguments."""
    # What fails is a sentence, and nobody reads a log here.
    logging.getLogger("feishu").addHandler(logging.NullHandler())
    language = terminal_language(os.environ)
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION.in_language(language))
    add_arguments(parser, language)
    options = parser.parse_args(arguments)
    try:
        run(options)
    except ValueError as error:
        parser.error(str(error))
    except NoTokenError as error:
        _say(str(error))
        return 1
    return 0

"""The sandbox from the command line, which needs no settings, no database and no key."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from feishu.text import Text, terminal_language
from sandbox.config import AppConfig, SandboxConfig
from sandbox.guard import is_loopback
from sandbox.server import serve

HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9800
DESCRIPTION: Final = Text(
    "运行沙箱：模拟飞书平台，可扮演其中的用户聊天。未指定 --host 时仅监听本机回环地址。",
    "Run the sandbox: a stand-in for the Feishu platform, with people to chat as. It listens on loopback, unless --host says otherwise.",
)
_EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 -- told apart, for what is printed
_HOST_NAME: Final = re.compile(r"[\w.-]+", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """With their help in this language."""
    parser.add_argument(
        "--host",
        default=HOST,
        help=Text(
            "监听地址（默认 %(default)s）。控制接口没有密码：能访问该地址的任何人都可以操纵沙箱。",
            "Address to listen on (default %(default)s). Nothing asks for a password: whoever reaches it can steer the sandbox.",
        ).in_language(language),
    )
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=Text("端口（默认 %(default)s）。", "Its port (default %(default)s).").in_language(language),
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help=Text(
            "除 localhost 外，其他机器或容器访问沙箱所用的名称，可重复。",
            "A name besides localhost by which other machines or containers call it; repeatable.",
        ).in_language(language),
    )
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="APP_ID:SECRET",
        help=Text(
            "启动时创建的应用，可重复。App ID 为 cli_ 加 16 位十六进制数字。",
            "An app to begin with; repeatable. The id is cli_ and 16 hexadecimal digits.",
        ).in_language(language),
    )
    parser.add_argument(
        "--redirect-url",
        action="append",
        default=[],
        metavar="URL",
        help=Text("这些应用的重定向 URL，可重复。", "A redirect URL of these apps; repeatable.").in_language(
            language
        ),
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=Text(
            "JSON 文件，包含应用、用户与各项限制（SandboxConfig）。",
            "Apps, people and limits as JSON (SandboxConfig).",
        ).in_language(language),
    )
    parser.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help=Text(
            "将应用、用户、消息与授权保存在此文件中，供下次启动使用。",
            "Keep apps, people, messages and authorizations in this file from one run to the next.",
        ).in_language(language),
    )


def config_of(options: argparse.Namespace) -> SandboxConfig:
    """What the arguments ask for. Raises ValueError, which says what is wrong with them."""
    config = SandboxConfig()
    if options.config is not None:
        try:
            config = msgspec.json.decode(options.config.read_bytes(), type=SandboxConfig)
        except (OSError, msgspec.MsgspecError) as error:
            raise ValueError(f"--config {options.config}: {error}") from error
    for name in options.allow_host:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"--allow-host {name}: a name stands alone, without scheme and port")
        config.hosts.append(name)
    for given in options.app:
        app_id, _, secret = given.partition(":")
        if not secret:
            raise ValueError(
                f"--app {app_id}: a secret has to follow, as in --app cli_0123456789abcdef:secret"
            )
        try:
            fields = {"app_id": app_id, "app_secret": secret, "redirect_urls": options.redirect_url}
            config.apps.append(msgspec.convert(fields, AppConfig))
        except msgspec.ValidationError:
            raise ValueError(f"--app {app_id}: an App ID is cli_ and 16 hexadecimal digits") from None
    return config


def greeting(config: SandboxConfig, host: str, port: int) -> str:
    """What a developer needs to begin with."""
    url = f"http://{HOST if host in _EVERY_ADDRESS else host}:{port}"
    apps = [f"App {app.app_id} ({app.name})" for app in config.apps]
    how = [] if apps else [f"There is no app yet: {url}/#apps makes one, or --app APP_ID:SECRET."]
    if not is_loopback(host):
        how.append("It asks for no password: whoever reaches its port can steer it.")
    return "\n".join([f"Sandbox: {url}/ (what steers it: {url}/sandbox/docs)", *apps, *how])


async def run(
    config: SandboxConfig, host: str, port: int, stop: asyncio.Event, file: Path | None = None
) -> None:
    """Serve until `stop`. Raises OSError, naming the address, when it is taken or not this machine's."""
    try:
        await serve(host, port, config=config, file=file, stop=stop)
    except OSError as error:
        raise OSError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """The exit status of the whole program."""
    language = terminal_language(os.environ)
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION.in_language(language))
    add_arguments(parser, language)
    options = parser.parse_args(arguments)
    try:
        config = config_of(options)
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(greeting(config, options.host, options.port) + "\n")
    sys.stdout.flush()
    try:
        asyncio.run(_until_signal(config, options.host, options.port, options.file))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _until_signal(config: SandboxConfig, host: str, port: int, file: Path | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run(config, host, port, stop, file)

"""``feishu-portal``: the demo, the processes of production and every management command, as one program.

Roles run in this process, so that a signal sent to it arrives.
"""

import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Final, NoReturn, TextIO

from feishu.text import Text, terminal_language
from feishu_portal.queues import REFRESH_QUEUE

PROGRAM: Final = "feishu-portal"
UNREAD: Final = 128 + signal.SIGPIPE
"""The exit code of a command whose output nobody reads any more, as shells give it."""
STOP_SECONDS: Final = 10
"""That requests under way get when a web process is asked to stop."""


def manage(argv: list[str]) -> None:
    """Run the management command that ``argv`` names behind its first item."""
    if argv[1:2] == ["runsandbox"]:
        # It holds no secret and no data, so it asks for none of the portal's settings.
        from sandbox.command import main as run_sandbox  # noqa: PLC0415 -- nothing else here needs it

        sys.exit(run_sandbox(argv[2:], program=f"{os.path.basename(argv[0])} runsandbox"))  # noqa: PTH119 -- text, no path

    if argv[1:2] in (["tokenfile"], ["token-file"]):
        # It runs where agents do, which is seldom where the portal is.
        from feishu_portal.token_file import main as keep_token_file  # noqa: PLC0415 -- nothing else here needs it

        sys.exit(keep_token_file(argv[2:], program=f"{os.path.basename(argv[0])} {argv[1]}"))  # noqa: PTH119 -- text, no path

    from django.core.management import execute_from_command_line  # noqa: PLC0415 -- not for the other roles

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
    try:
        try:
            execute_from_command_line(argv)
        finally:
            sys.stdout.flush()  # here, not at the end of the process, where nobody can catch it
    except BrokenPipeError:
        if not _has_lost_its_reader(sys.stdout):
            raise
        # Whoever read has seen enough, as `head` has. What is left in Python's buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREAD)


def _has_lost_its_reader(stream: TextIO) -> bool:
    """Whether the other end of a pipe is closed: connections break in the same way, and that is an error."""
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _fd, event in poll.poll(0))


def run_demo(arguments: list[str]) -> None:
    os.environ.setdefault("DEBUG", "on")
    manage([PROGRAM, "runportal", "--sandbox", *arguments])


def run_portal(arguments: list[str]) -> None:
    manage([PROGRAM, "runportal", *arguments])


def run_listener(arguments: list[str]) -> None:
    manage([PROGRAM, "runfeishu", *arguments])


def run_web(arguments: list[str]) -> None:
    import uvicorn  # noqa: PLC0415 -- not for the other roles

    from feishu_portal.runtime.web import KEEP_ALIVE  # noqa: PLC0415 -- see above

    options = ["--timeout-keep-alive", str(KEEP_ALIVE), "--timeout-graceful-shutdown", str(STOP_SECONDS)]
    uvicorn.main(
        ["feishu_portal.asgi:application", *options, *arguments],
        prog_name=f"{PROGRAM} web",
        auto_envvar_prefix="UVICORN",
    )


def run_worker(arguments: list[str]) -> None:
    _run_celery("worker", *arguments)


def run_refresher(arguments: list[str]) -> None:
    _run_celery("worker", "--queues", REFRESH_QUEUE, "--pool", "threads", *arguments)


def run_beat(arguments: list[str]) -> None:
    _run_celery("beat", *arguments)


def _run_celery(*arguments: str) -> NoReturn:
    from celery.__main__ import main as run_celery  # noqa: PLC0415 -- not for the other roles

    sys.argv = ["celery", "--app", "feishu_portal", *arguments]
    sys.exit(run_celery())


ROLES: Final[dict[str, tuple[Callable[[list[str]], None], Text]]] = {
    "demo": (
        run_demo,
        Text(
            "在本机运行门户与飞书沙箱，无需任何配置",
            "portal and Feishu sandbox on this machine, without any setting",
        ),
    ),
    "portal": (
        run_portal,
        Text("在一个进程内运行全部功能（单机）", "everything in one process, for one machine"),
    ),
    "web": (run_web, Text("控制台与 API（uvicorn）", "console and API (uvicorn)")),
    "listener": (run_listener, Text("长连接（runfeishu）", "long connections (runfeishu)")),
    "worker": (run_worker, Text("事件处理与推送（Celery）", "handlers and deliveries (Celery)")),
    "refresher": (run_refresher, Text("刷新令牌（Celery）", "refreshes tokens (Celery)")),
    "beat": (run_beat, Text("调度器，只运行一个（Celery）", "scheduler, of which one runs (Celery)")),
}


def usage() -> str:
    """In the language of the terminal."""
    language = terminal_language(os.environ)
    roles = [f"  {name:<10} {text.in_language(language)}" for name, (_, text) in ROLES.items()]
    lines = [
        Text(f"用法：{PROGRAM} [角色 | 命令] [选项]", f"Usage: {PROGRAM} [ROLE | COMMAND] [OPTIONS]"),
        Text("角色（默认为 demo）：", "Roles (demo by default):"),
        Text(
            f"命令：migrate、setuplink、addbot、checkbot、token-file 等；{PROGRAM} manage help 列出全部命令。均支持 --help。",
            f"Commands: migrate, setuplink, addbot, checkbot, token-file, …; {PROGRAM} manage help lists them. Each has --help.",
        ),
    ]
    how, heading, commands = (line.in_language(language) for line in lines)
    return "\n".join([how, "", heading, *roles, "", commands])


def main(argv: list[str] | None = None) -> None:
    """The entry point of the wheel; ``argv`` as in ``sys.argv``. Without a name in front, options are those of the demo."""
    arguments = (sys.argv if argv is None else argv)[1:]
    if arguments in (["-h"], ["--help"], ["help"]):
        print(usage())  # noqa: T201 -- the answer
        return
    if arguments == ["--version"]:
        from core import __version__  # noqa: PLC0415 -- for this answer alone

        print(__version__)  # noqa: T201 -- the answer
        return
    if not arguments or arguments[0].startswith("-"):
        arguments.insert(0, "demo")
    name, *options = arguments
    if name in ROLES:
        ROLES[name][0](options)
    else:
        manage([PROGRAM, *(options if name == "manage" else arguments)])


if __name__ == "__main__":
    main()

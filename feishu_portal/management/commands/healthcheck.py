"""``manage.py healthcheck``: the health of a process of the portal, for containers and scripts without an HTTP client."""

from http.client import HTTPConnection, HTTPException
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from bots.enums import ProcessKind
from feishu.text import Text
from feishu_portal.management.metrics_port import add_metrics_port
from feishu_portal.management.speaking import PortalCommand, said
from feishu_portal.runtime.health import LIVE, READY

SECONDS: Final = 3.0
EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- where they are reached from here


class Command(PortalCommand):
    about = Text(
        "通过指标端口检查本机的门户进程是否存活或就绪。退出码为 0 或 1，并输出一行原因。",
        "Whether a process of the portal on this host is live, or ready, by the port of its metrics. Exits with 0 or 1 and one line that says why.",
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "process",
            nargs="?",
            choices=ProcessKind.values,
            metavar="PROCESS",
            help=said("进程应属的类型；默认不限。", "The kind it has to be of; any by default."),
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--live",
            dest="path",
            action="store_const",
            const=LIVE,
            default=LIVE,
            help=said(
                "进程是否仍在正常循环，还是需要重启？默认项。",
                "Does it make its passes, or does it have to be restarted? The default.",
            ),
        )
        which.add_argument(
            "--ready",
            dest="path",
            action="store_const",
            const=READY,
            help=said(
                "能否正常工作：数据库、数据表、密钥以及所需的 Redis 是否可用？",
                "Can it do its work: are the database, its tables, the keys, and Redis for those that need it, there?",
            ),
        )
        add_metrics_port(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        port = settings.METRICS_PORT if options["metrics_port"] is None else options["metrics_port"]
        if not port:
            raise CommandError(
                said(
                    "没有可查询的端口：请通过 FEISHU_METRICS_PORT 为进程设置端口（本命令也会读取），或用 --metrics-port 指定。",
                    "No port to ask: give the process one with FEISHU_METRICS_PORT, which this command then reads as well, or "
                    "name it here with --metrics-port.",
                )
            )
        status, health = self._ask(port, options["path"])
        kind, wanted = health.get("process", ""), options["process"]
        facts = ", ".join(f"{name}: {fact}" for name, fact in health.items())
        if wanted and kind != wanted:
            raise CommandError(
                said(
                    f"端口 {port} 属于 {kind or '其他程序'}，而不是 {wanted}。",
                    f"Port {port} is that of {kind or 'no process of the portal'}, not of {wanted}.",
                )
            )
        if status != 200:
            unread = said(f"端口 {port} 的应答状态码为 {status}。", f"Port {port} answered with {status}.")
            raise CommandError(facts or unread)
        self.stdout.write(facts)

    def _ask(self, port: int, path: str) -> tuple[int, dict[str, str]]:
        """The status and what the process says of its health; nothing where that cannot be read. Raises CommandError."""
        connection = HTTPConnection(
            EVERYWHERE.get(settings.METRICS_HOST, settings.METRICS_HOST), port, timeout=SECONDS
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            health = msgspec.json.decode(answer.read(10_000), type=dict[str, str])
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise CommandError(
                said(f"端口 {port} 没有应答：{reason}。", f"Port {port} does not answer: {reason}.")
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return answer.status, {}
        finally:
            connection.close()
        return answer.status, health

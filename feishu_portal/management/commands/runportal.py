"""``manage.py runportal``: everything in one place, for one machine, with no server beside it."""

import asyncio
import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from bots.enums import ProcessKind
from core.access.setup_link import has_operator, new_setup_link
from core.checks import SETTINGS
from core.database.checkpoints import checkpoints
from feishu.text import Text
from feishu_portal.management.announcements import ServiceCommand, announce
from feishu_portal.management.metrics_port import add_metrics_port
from feishu_portal.management.preconditions import require_keys, say_if_passive
from feishu_portal.management.speaking import said
from feishu_portal.runtime.demo import OPERATOR, demo_sandbox, operator_password
from feishu_portal.runtime.derived_address import derive, forget
from feishu_portal.runtime.embedded_celery import embedded_celery
from feishu_portal.runtime.observing import begin_observing
from feishu_portal.runtime.portal import run_portal
from feishu_portal.runtime.process import begin_process, end_process
from sandbox.command import DEFAULT_PORT

logger = logging.getLogger(__name__)


class Command(ServiceCommand):
    about = Text(
        "在一个进程内运行门户、长连接、worker 与调度器。加 --sandbox 则同时运行带演示机器人的模拟平台，并创建操作员账号、输出其密码。",
        "Run portal, connections, worker and scheduler in one process. With --sandbox also a stand-in platform with a demo bot, and an operator account whose password is printed.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help=said("监听地址（默认 %(default)s）。", "Address to listen on (default %(default)s)."),
        )
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help=said("门户端口（默认 %(default)s）。", "Port of the portal (default %(default)s)."),
        )
        parser.add_argument(
            "--sandbox",
            action="store_true",
            help=said("在门户旁运行沙箱。", "Run the sandbox beside the portal."),
        )
        parser.add_argument(
            "--sandbox-port",
            type=int,
            default=DEFAULT_PORT,
            help=said("沙箱端口（默认 %(default)s）。", "Its port (default %(default)s)."),
        )
        add_metrics_port(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        require_keys()
        say_if_passive(self.stderr)
        begin_observing("runportal")
        forget()
        if options["sandbox"]:
            settings.PLATFORM_NETWORKS = [*settings.PLATFORM_NETWORKS, "loopback"]  # where the sandbox is
            address = f"http://localhost:{options['sandbox_port']}"
            settings.REGISTRATION_ADDRESSES = settings.REGISTRATION_ADDRESSES or [address, address]
            if not settings.PUBLIC_URL:
                derive(f"http://localhost:{options['port']}")
            settings.SANDBOX_URL = f"http://localhost:{options['sandbox_port']}"
        begin_process(ProcessKind.RUNPORTAL, port=options["metrics_port"])
        sandbox = demo_sandbox(options["sandbox_port"]) if options["sandbox"] else None
        running = run_portal(
            host=options["host"],
            port=options["port"],
            sandbox=sandbox,
            sandbox_port=options["sandbox_port"],
            on_ready=partial(self._greet, options),
        )
        try:
            with checkpoints(), embedded_celery():
                asyncio.run(running)
        except OSError as error:
            raise CommandError(str(error)) from error
        finally:
            forget()
            end_process(ProcessKind.RUNPORTAL)
        announce(self.stdout, "Stopped. 已停止。", event="stopped")

    async def _greet(self, options: dict[str, Any]) -> None:
        host = "localhost" if options["host"] in {"127.0.0.1", "0.0.0.0"} else options["host"]  # noqa: S104 -- compared
        lines = ["", "Feishu Portal is running. 飞书门户已启动。", ""]
        lines.append(f"  Console 控制台   http://{host}:{options['port']}/admin/")
        if options["sandbox"]:
            password = await asyncio.to_thread(operator_password, settings.DATA_DIR / "operator_password")
            shown = password or "as you set it / 已修改"
            lines.append(f"                   user 用户 {OPERATOR}   password 密码 {shown}")
            lines.append(f"  Sandbox 沙箱     http://{host}:{options['sandbox_port']}/")
            lines.append("                   write /auth to the demo bot / 向演示机器人发送 /auth")
        lines += await asyncio.to_thread(
            self._first_operator, settings.PUBLIC_URL or f"http://{host}:{options['port']}"
        )
        lines += ["", "Ctrl-C stops everything. 按 Ctrl-C 全部停止。", ""]
        console = f"http://{host}:{options['port']}/admin/"
        announce(self.stdout, "\n".join(lines), event="portal_running", console=console)

    @staticmethod
    def _first_operator(url: str) -> list[str]:
        """What to do where nobody can sign in. The link goes to a person's terminal, never into a log."""
        if settings.LOG_FORMAT == "json":
            if not has_operator():
                logger.warning("no_operator", extra={"cure": "manage.py setuplink prints a one-time link"})
            return []
        link = new_setup_link()
        if link is None:
            return []
        return [
            "",
            "  There is no operator yet. Make the first one within an hour; the link opens once:",
            "  还没有操作员。请在一小时内打开以下一次性链接创建第一个操作员：",
            f"    {url}{link}",
        ]

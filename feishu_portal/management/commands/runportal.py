"""``manage.py runportal``: everything in one place, for one machine, with no server beside it."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError
from feishu_portal.management.commands.runsandbox import DEFAULT_PORT
from feishu_portal.runtime.background import background_work
from feishu_portal.runtime.demo import OPERATOR, DemoApp, operator_password, put_demo_bot
from feishu_portal.runtime.listener import listen
from feishu_portal.runtime.node import node_name
from feishu_portal.runtime.sandbox import serve_sandbox
from feishu_portal.runtime.signals import stop_on_signals
from feishu_portal.runtime.web import serve_web
from sandbox.config import SandboxConfig, demo_app


class Command(BaseCommand):
    help = (
        "Run portal, connections, worker and scheduler in one process. With --sandbox also a stand-in platform with a "
        "demo bot, and an operator account whose password is printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default %(default)s).")
        parser.add_argument(
            "--port", type=int, default=8000, help="Port of the portal (default %(default)s)."
        )
        parser.add_argument("--sandbox", action="store_true", help="Run the sandbox beside the portal.")
        parser.add_argument(
            "--sandbox-port", type=int, default=DEFAULT_PORT, help="Its port (default %(default)s)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            verify_keys()
        except SealedValueError as error:
            raise CommandError(str(error)) from error
        sandbox = None
        if options["sandbox"]:
            settings.PUBLIC_URL = settings.PUBLIC_URL or f"http://localhost:{options['port']}"
            sandbox = self._prepare_demo(options["sandbox_port"])
        try:
            with background_work():
                asyncio.run(self._run(options, sandbox))
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Stopped. 已停止。")

    def _prepare_demo(self, sandbox_port: int) -> SandboxConfig:
        app = demo_app([])
        bot = put_demo_bot(
            DemoApp(
                app_id=app.app_id,
                app_secret=app.app_secret,
                name=app.name,
                address=f"http://localhost:{sandbox_port}",
                scopes=["offline_access", "auth:user.id:read", "contact:user.base:readonly"],
            )
        )
        return SandboxConfig(apps=[demo_app([bot.redirect_uri])])

    async def _run(self, options: dict[str, Any], sandbox: SandboxConfig | None) -> None:
        stop, web_ready, sandbox_ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
        stop_on_signals(stop)
        parts = [
            serve_web(host=options["host"], port=options["port"], ready=web_ready, stop=stop),
            listen(node=node_name(), stop=stop),
        ]
        if sandbox:
            parts.append(
                serve_sandbox(port=options["sandbox_port"], config=sandbox, ready=sandbox_ready, stop=stop)
            )
        tasks = [asyncio.create_task(part) for part in parts]
        greeting = asyncio.create_task(self._greet(options, web_ready, sandbox_ready if sandbox else None))
        try:
            await asyncio.gather(*tasks, greeting)
        finally:
            # One part that fails takes the others down in order, so that none keeps half a portal alive.
            stop.set()
            greeting.cancel()  # it may be waiting for a port that never opens
            await asyncio.wait([*tasks, greeting], timeout=20)

    async def _greet(
        self, options: dict[str, Any], web: asyncio.Event, sandbox: asyncio.Event | None
    ) -> None:
        await web.wait()
        if sandbox is not None:
            await sandbox.wait()
        host = "localhost" if options["host"] in {"127.0.0.1", "0.0.0.0"} else options["host"]  # noqa: S104 -- compared
        lines = ["", "Feishu Portal is running. 飞书门户已启动。", ""]
        lines.append(f"  Console 控制台   http://{host}:{options['port']}/admin/")
        if sandbox is not None:
            password = await asyncio.to_thread(operator_password, settings.DATA_DIR / "operator_password")
            shown = password or "as you set it / 已修改"
            lines.append(f"                   user 用户 {OPERATOR}   password 密码 {shown}")
            lines.append(f"  Sandbox 沙箱     http://{host}:{options['sandbox_port']}/")
            lines.append("                   write /auth to the demo bot / 向演示机器人发送 /auth")
        lines += ["", "Ctrl-C stops everything. 按 Ctrl-C 全部停止。", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

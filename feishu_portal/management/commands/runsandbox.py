"""``manage.py runsandbox``: the stand-in platform, alone."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from feishu_portal.runtime.sandbox import HOST, serve_sandbox
from feishu_portal.runtime.signals import stop_on_signals

DEFAULT_PORT = 9800


class Command(BaseCommand):
    help = "Run the sandbox: a stand-in for the Feishu platform, with people to chat as. It listens on loopback only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help=f"Port on {HOST} (default %(default)s)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._serve(options["port"]))
        except OSError as error:
            raise CommandError(str(error)) from error

    async def _serve(self, port: int) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        self.stdout.write(f"Sandbox: http://{HOST}:{port}/")
        await serve_sandbox(port=port, config=None, stop=stop)

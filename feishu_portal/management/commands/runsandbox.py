"""``manage.py runsandbox``: the stand-in platform, alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sandbox.server import run

DEFAULT_PORT = 9800


class Command(BaseCommand):
    help = "Run the sandbox: a stand-in for the Feishu platform, with people to chat as. It listens on loopback only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help="Port on 127.0.0.1 (default %(default)s)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Sandbox: http://127.0.0.1:{options['port']}/")
        run(port=options["port"])

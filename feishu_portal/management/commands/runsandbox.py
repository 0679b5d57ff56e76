"""``manage.py runsandbox``: the stand-in platform, alone. manage.py runs it without loading any settings."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from feishu_portal.management.speaking import PortalCommand, language
from feishu_portal.runtime.signals import stop_on_signals
from sandbox.command import DESCRIPTION, add_arguments, config_of, greeting, run
from sandbox.config import SandboxConfig


class Command(PortalCommand):
    about = DESCRIPTION
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser, language())

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            config = config_of(argparse.Namespace(**options))
            self.stdout.write(greeting(config, options["host"], options["port"]))
            asyncio.run(self._serve(config, options["host"], options["port"], options["file"]))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    async def _serve(self, config: SandboxConfig, host: str, port: int, file: Path | None) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await run(config, host, port, stop, file)

"""``manage.py tokenfile``, or ``feishu-portal token-file``: run without loading any settings."""

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from feishu_portal.management.speaking import PortalCommand, language
from feishu_portal.token_file import DESCRIPTION, NoTokenError, add_arguments, run


class Command(PortalCommand):
    about = DESCRIPTION
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser, language())

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(argparse.Namespace(**options))
        except (ValueError, NoTokenError) as error:
            raise CommandError(str(error)) from error

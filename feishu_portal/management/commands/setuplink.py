"""``manage.py setuplink``: a one-time link to make the first operator in the browser."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access.setup_link import new_setup_link
from core.checks import SETTINGS


class Command(BaseCommand):
    help = (
        "Print a one-time link by which the first operator is made in the browser. It works for an hour, once, and only "
        "while there is no operator; a new one ends the former."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url",
            default=settings.PUBLIC_URL or "http://localhost:8000",
            help="Address at which the browser reaches the portal (default: PUBLIC_URL, else http://localhost:8000).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        link = new_setup_link()
        if link is None:
            raise CommandError(
                "There is an operator already. Operators add others on the page Operators; createsuperuser makes one here."
            )
        self.stderr.write("Opens once, within an hour:")
        self.stdout.write(f"{options['url'].rstrip('/')}{link}")

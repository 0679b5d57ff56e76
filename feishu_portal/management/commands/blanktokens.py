"""``manage.py blanktokens``: take Verification Tokens out of stored events."""

from typing import Any

from django.core.management.base import BaseCommand

from core.access import audit
from core.access.actors import Actor
from core.checks import SETTINGS
from events.log.tokens import blank_tokens
from feishu_portal.management.progress import progress_bar


class Command(BaseCommand):
    help = (
        "Blank the Verification Token in stored events. Events that arrive are stored without it; this is for a database "
        "that a version before 0.1.0 wrote. Can be interrupted and run again at any time."
    )
    requires_system_checks = (SETTINGS,)

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar(self.stderr, "Reading", total=None) as advance:
            blanked = blank_tokens(on_progress=advance)
        audit.record(actor=Actor.command("blanktokens"), action="events.tokens_blanked", events=blanked)
        self.stdout.write(f"{blanked:,} events held a token.")

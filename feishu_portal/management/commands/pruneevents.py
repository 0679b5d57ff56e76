"""``manage.py pruneevents``: delete events that are older than their retention, now and with a progress bar."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.access import audit
from core.access.actors import Actor
from core.checks import SETTINGS
from events.log.retention import Policy, count_expired, prune_events
from feishu_portal.management.progress import progress_bar


class Command(BaseCommand):
    help = (
        "Delete events older than the environment and the bots say (FEISHU_EVENT_RETENTION_DAYS and its like), with "
        "their deliveries. The scheduler does the same every hour. Events still being handled and those an open replay "
        "has not come to are kept. Can be interrupted and run again at any time."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count, and delete nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        expired = count_expired()
        if options["dry_run"]:
            for status, days in Policy.current().days.items():
                self.stdout.write(f"{status.value}: kept for {days} days")
            self.stdout.write(f"{expired} events would be deleted.")
            return
        total = None if expired.is_more else expired.count
        with progress_bar(self.stderr, "Deleting", total=total) as advance:
            deleted = prune_events(on_progress=advance)
        audit.record(actor=Actor.command("pruneevents"), action="events.pruned", events=deleted.count)
        self.stdout.write(f"{deleted.count:,} events deleted.")

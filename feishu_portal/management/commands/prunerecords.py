"""``manage.py prunerecords``: delete records that are older than their retention, now and with a progress bar."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from auth_sessions import retention as auth_sessions
from bots import retention as bots
from core.access import append_only
from core.access import retention as access
from core.checks import SETTINGS
from core.database.retention import count_overdue, prune
from events.log import retention as events
from feishu_portal.alerts import retention as alerts
from feishu_portal.approvals import retention as approvals
from feishu_portal.management.progress import progress_bar


class Command(BaseCommand):
    help = (
        "Delete audit entries, expired logins, lost connections, closed incidents, ended replays, old alerts and approvals, and records of sent messages, "
        "token use, token refreshes, ended authorization requests and revocations that are older than the environment says "
        "(FEISHU_AUDIT_DAYS and its like). What is still needed is kept. The scheduler does the same every hour. Can be "
        "interrupted and run again at any time. Events have a command of their own, pruneevents."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count, and delete nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        overdue = {
            **access.overdue(),
            **bots.overdue(),
            **events.overdue(),
            **auth_sessions.overdue(),
            **alerts.overdue(),
            **approvals.overdue(),
        }
        counts = count_overdue(overdue)
        if options["dry_run"]:
            for kind, count in counts.items():
                self.stdout.write(f"{kind}: {count} would be deleted")
            return
        is_counted = not any(count.is_more for count in counts.values())
        total = sum(count.count for count in counts.values()) if is_counted else None
        append_only.install()  # the audit log's bound, as the setting is now
        with progress_bar(self.stderr, "Deleting", total=total) as advance:
            pruned = prune(overdue, seconds=None, on_progress=advance)
        for kind, deleted in pruned.items():
            self.stdout.write(f"{kind}: {deleted.count:,} deleted")

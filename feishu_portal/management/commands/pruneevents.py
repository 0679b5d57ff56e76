"""``manage.py pruneevents``: delete events that are older than their retention, now and with a progress bar."""

from typing import Any

from django.core.management.base import CommandParser

from core.access import audit
from core.access.actors import Actor
from core.checks import SETTINGS
from events.log.retention import Policy, count_expired, prune_events
from feishu.text import Text
from feishu_portal.management.progress import progress_bar
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "删除超过保留期（FEISHU_EVENT_RETENTION_DAYS 等设置及各机器人的设置）的事件及其推送记录。调度器每小时执行同样的清理。仍在处理的事件与重放尚未处理到的事件会保留。可随时中断并重新运行。",
        "Delete events older than the environment and the bots say (FEISHU_EVENT_RETENTION_DAYS and its like), with their deliveries. The scheduler does the same every hour. Events still being handled and those an open replay has not come to are kept. Can be interrupted and run again at any time.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=said("仅计数，不删除。", "Count, and delete nothing.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        expired = count_expired()
        if options["dry_run"]:
            for status, days in Policy.current().days.items():
                self.stdout.write(
                    said(f"{status.value}：保留 {days} 天", f"{status.value}: kept for {days} days")
                )
            self.stdout.write(said(f"将删除 {expired} 个事件。", f"{expired} events would be deleted."))
            return
        total = None if expired.is_more else expired.count
        with progress_bar(self.stderr, said("正在删除", "Deleting"), total=total) as advance:
            deleted = prune_events(on_progress=advance)
        audit.record(actor=Actor.command("pruneevents"), action="events.pruned", events=deleted.count)
        self.stdout.write(said(f"已删除 {deleted.count:,} 个事件。", f"{deleted.count:,} events deleted."))

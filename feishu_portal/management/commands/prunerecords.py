"""``manage.py prunerecords``: delete records that are older than their retention, now and with a progress bar."""

from typing import Any

from django.core.management.base import CommandParser

from auth_sessions import retention as auth_sessions
from bots import retention as bots
from core.access import append_only
from core.access import retention as access
from core.checks import SETTINGS
from core.database.retention import count_overdue, prune
from events.log import retention as events
from feishu.text import Text
from feishu_portal.alerts import retention as alerts
from feishu_portal.approvals import retention as approvals
from feishu_portal.greetings import retention as greetings
from feishu_portal.management.progress import progress_bar
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "删除超过保留期（FEISHU_AUDIT_DAYS 等设置）的审计记录、过期登录、断线记录、已结束的异常、已结束的重放、旧的告警组与调用批准，以及发送消息、令牌使用、令牌刷新、已结束的授权请求与撤销的记录。仍需要的会保留。调度器每小时执行同样的清理。可随时中断并重新运行。事件请使用 pruneevents。",
        "Delete audit entries, expired logins, lost connections, closed incidents, ended replays, old alerts and approvals, and records of sent messages, token use, token refreshes, ended authorization requests and revocations that are older than the environment says (FEISHU_AUDIT_DAYS and its like). What is still needed is kept. The scheduler does the same every hour. Can be interrupted and run again at any time. Events have a command of their own, pruneevents.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=said("仅计数，不删除。", "Count, and delete nothing.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        overdue = {
            **access.overdue(),
            **bots.overdue(),
            **events.overdue(),
            **auth_sessions.overdue(),
            **alerts.overdue(),
            **approvals.overdue(),
            **greetings.overdue(),
        }
        counts = count_overdue(overdue)
        if options["dry_run"]:
            for kind, count in counts.items():
                self.stdout.write(said(f"{kind}：将删除 {count} 条", f"{kind}: {count} would be deleted"))
            return
        is_counted = not any(count.is_more for count in counts.values())
        total = sum(count.count for count in counts.values()) if is_counted else None
        append_only.install()  # the audit log's bound, as the setting is now
        with progress_bar(self.stderr, said("正在删除", "Deleting"), total=total) as advance:
            pruned = prune(overdue, seconds=None, on_progress=advance)
        for kind, deleted in pruned.items():
            self.stdout.write(
                said(f"{kind}：已删除 {deleted.count:,} 条", f"{kind}: {deleted.count:,} deleted")
            )

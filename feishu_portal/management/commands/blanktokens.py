"""``manage.py blanktokens``: take Verification Tokens out of stored events."""

from typing import Any

from core.access import audit
from core.access.actors import Actor
from core.checks import SETTINGS
from events.log.tokens import blank_tokens
from feishu.text import Text
from feishu_portal.management.progress import progress_bar
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "检查已存事件是否含有 Verification Token，例如在交出数据库副本之前：清除找到的值并报告事件数。事件存储时已不含该值，正常应为 0。可随时中断并重新运行。",
        "Look for Verification Tokens in stored events, e.g. before a copy of the database is handed on: blank those that are found, and say in how many events. Events are stored without them, so 0 is to be expected. Can be interrupted and run again at any time.",
    )
    requires_system_checks = (SETTINGS,)

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar(self.stderr, said("正在读取", "Reading"), total=None) as advance:
            blanked = blank_tokens(on_progress=advance)
        audit.record(actor=Actor.command("blanktokens"), action="events.tokens_blanked", events=blanked)
        self.stdout.write(said(f"{blanked:,} 个事件含有该值，已清除。", f"{blanked:,} events held a token."))

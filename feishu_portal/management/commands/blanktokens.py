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
        "清除已存事件中的 Verification Token。新事件存储时已不含该值；本命令用于 0.1.0 之前版本写入的数据库。可随时中断并重新运行。",
        "Blank the Verification Token in stored events. Events that arrive are stored without it; this is for a database that a version before 0.1.0 wrote. Can be interrupted and run again at any time.",
    )
    requires_system_checks = (SETTINGS,)

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar(self.stderr, said("正在读取", "Reading"), total=None) as advance:
            blanked = blank_tokens(on_progress=advance)
        audit.record(actor=Actor.command("blanktokens"), action="events.tokens_blanked", events=blanked)
        self.stdout.write(said(f"{blanked:,} 个事件含有该值，已清除。", f"{blanked:,} events held a token."))

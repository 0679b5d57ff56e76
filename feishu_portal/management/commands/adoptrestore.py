"""``manage.py adoptrestore``: this database is a restore, or a copy, and may act."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from core.access.actors import Actor
from core.checks import SETTINGS
from core.installation import state
from core.installation.state import CAUSES, Cause
from feishu.text import Text
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.preconditions import require_keys
from feishu_portal.management.speaking import PortalCommand, said
from feishu_portal.runtime.adoption import Adoption, Inventory, adopt

WORD = "adopt"


class Command(PortalCommand):
    about = Text(
        "确认此数据库（恢复的备份或副本）自此归本安装所有；在此之前门户保持被动。仅当原门户不再运行时使用，或加 --as-copy：两个门户持有相同授权会互相耗尽刷新令牌。每个授权在其访问令牌到期后探测；等待中的任务记为失败，由操作员重试；未完成的授权请求与登录结束。",
        "Say that this database, a restored backup or a copy, is this installation's own from now on. Until then the portal stays passive. Only where the original no longer runs, or with --as-copy: two portals with the same grants would spend each other's refresh tokens. Every grant is probed when its access token is over; what was waiting is set aside as failed, for an operator to retry; open authorization sessions and sign-ins end.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_mutually_exclusive_group()
        kinds.add_argument(
            "--moved",
            action="store_true",
            help=said(
                "自复制以来原数据库未被使用：全部保持原样。",
                "Nothing worked with the original since the copy was made: keep everything as it is.",
            ),
        )
        kinds.add_argument(
            "--as-copy",
            action="store_true",
            help=said(
                "原门户继续运行：销毁此副本中的用户令牌，并停用其机器人、API 客户端与订阅。",
                "The original goes on: destroy this copy's user tokens, and disable its bots, API clients and subscriptions.",
            ),
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help=said(
                "即使门户认为数据库归自己所有也执行，例如时间点恢复或磁盘快照之后（两者与原库看起来相同）。请在启动任何进程之前运行。",
                "Also where the portal takes the database for its own, as after a point-in-time recovery or a snapshot of the disk, which look like the original. Run it before any process is started.",
            ),
        )
        parser.add_argument(
            "--keep-work",
            action="store_true",
            help=said(
                "继续等待中的处理与推送。它们可能在备份之后已经完成。",
                "Let handler runs and deliveries go on that were waiting. They may have been done since the backup.",
            ),
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help=said(
                "不再询问，供已确认原门户停止的脚本使用。",
                "Do not ask: for scripts that have made sure that the original is off.",
            ),
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=said("仅列出数据库内容，不作更改。", "Say what the database holds; change nothing."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require_keys()
        if settings.PASSIVE:
            raise CommandError(
                said(
                    "已设置 FEISHU_PASSIVE，本门户始终保持被动。请先取消该设置。",
                    "FEISHU_PASSIVE is on, so this portal stays passive whatever the database says. Unset it first.",
                )
            )
        found = state.judge()
        if found.cause is None and not options["force"]:
            self.stdout.write(
                said(
                    "数据库属于本安装，无需接管；若是时间点恢复或磁盘快照，请加 --force。",
                    "The database is this installation's own: there is nothing to adopt. After a point-in-time recovery or from a "
                    "snapshot it looks so, too: then add --force.",
                )
            )
            return
        self._describe(found.cause, found.marked_at)
        if options["dry_run"]:
            return
        kind = (
            Adoption.MOVED if options["moved"] else Adoption.COPY if options["as_copy"] else Adoption.RESTORED
        )
        if not options["yes"]:
            self._confirm(kind)
        done = adopt(kind, keep_work=options["keep_work"], actor=Actor.command("adoptrestore"))
        for name, count in done.items():
            self.stdout.write(f"  {count:>7,} {name}")
        self.stdout.write(
            said(
                "已接管，运行中的进程将在数秒内开始工作。",
                "Adopted. Running processes become active within seconds.",
            )
        )
        if kind == Adoption.RESTORED:
            self.stdout.write(
                said(
                    "备份之后的数据已丢失，其间停用或删除的 API 客户端、操作员与机器人会重新出现，请逐一核对。",
                    "Everything that was acknowledged after the backup is gone. What was taken away since is back: look over API "
                    "clients, operators and bots.",
                )
            )

    def _describe(self, cause: Cause | None, marked_at: datetime | None) -> None:
        if cause is not None:
            self.stdout.write(said(f"被动模式：{CAUSES[cause].zh_cn}。", f"Passive: {CAUSES[cause].en_us}."))
        if marked_at is not None:
            self.stdout.write(
                said(
                    f"门户最近一次使用此状态的数据：{marked_at:%Y-%m-%d %H:%M:%S %Z}。",
                    f"A portal last worked with this state of the data at {marked_at:%Y-%m-%d %H:%M:%S %Z}.",
                )
            )
        held = Inventory.taken()
        for count, name in (
            (held.bots, said("启用的机器人", "enabled bots")),
            (held.grants, said("由刷新令牌维持的授权", "grants that a refresh token keeps alive")),
            (held.sessions, said("未完成的授权请求", "open authorization sessions")),
            (held.runs, said("等待中的处理", "handler runs that wait")),
            (held.deliveries, said("等待中的推送", "deliveries that wait")),
            (held.clients, said("API 客户端", "API clients")),
        ):
            self.stdout.write(f"  {count:>7,} {name}")

    def _confirm(self, kind: Adoption) -> None:
        if kind == Adoption.COPY:
            question = said(
                "将销毁其中的用户令牌，并停用其机器人、API 客户端与订阅。",
                "Its user tokens are destroyed, and its bots, API clients and subscriptions switched off.",
            )
        else:
            question = said(
                "请确认原门户已停止，且不会再次启动。",
                "Go on only where the original no longer runs, and will not be started again.",
            )
        confirm(self.stdout, question, word=WORD)

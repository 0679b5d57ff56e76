"""``manage.py adoptrestore``: this database is a restore, or a copy, and may act."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access.actors import Actor
from core.checks import SETTINGS
from core.installation import standing
from core.installation.standing import CAUSES, Cause
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.preconditions import require_keys
from feishu_portal.runtime.adoption import Adoption, Inventory, adopt

WORD = "adopt"


class Command(BaseCommand):
    help = (
        "Say that this database, a restored backup or a copy, is this installation's own from now on. Until then the portal "
        "stays passive. Only where the original no longer runs, or with --as-copy: two portals with the same grants would "
        "spend each other's refresh tokens. Every grant is probed when its access token is over; what was waiting is set "
        "aside as failed, for an operator to retry; open authorization sessions and sign-ins end."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_mutually_exclusive_group()
        kinds.add_argument(
            "--moved",
            action="store_true",
            help="Nothing worked with the original since the copy was made: keep everything as it is.",
        )
        kinds.add_argument(
            "--as-copy",
            action="store_true",
            help="The original goes on: destroy this copy's user tokens, and disable its bots, API clients and subscriptions.",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Also where the portal takes the database for its own, as after a point-in-time recovery or a snapshot of the "
            "disk, which look like the original. Run it before any process is started.",
        )
        parser.add_argument(
            "--keep-work",
            action="store_true",
            help="Let handler runs and deliveries go on that were waiting. They may have been done since the backup.",
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help="Do not ask: for scripts that have made sure that the original is off.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what the database holds; change nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require_keys()
        if settings.PASSIVE:
            raise CommandError(
                "FEISHU_PASSIVE is on, so this portal stays passive whatever the database says. Unset it first.\n"
                "已设置 FEISHU_PASSIVE，本门户始终保持被动。请先取消该设置。"
            )
        found = standing.judge()
        if found.cause is None and not options["force"]:
            self.stdout.write(
                "The database is this installation's own: there is nothing to adopt. After a point-in-time recovery or from a "
                "snapshot it looks so, too: then add --force. 数据库属于本安装，无需接管；若是时间点恢复或磁盘快照，请加 --force。"
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
            "Adopted. Running processes become active within seconds. 已接管，运行中的进程将在数秒内开始工作。"
        )
        if kind == Adoption.RESTORED:
            self.stdout.write(
                "Everything that was acknowledged after the backup is gone. What was taken away since is back: look over API "
                "clients, operators and bots. 备份之后的数据已丢失，其间停用或删除的 API 客户端、操作员与机器人会重新出现，请逐一核对。"
            )

    def _describe(self, cause: Cause | None, marked_at: datetime | None) -> None:
        if cause is not None:
            self.stdout.write(f"Passive: {CAUSES[cause].en_us}. 被动模式：{CAUSES[cause].zh_cn}。")
        if marked_at is not None:
            self.stdout.write(
                f"A portal last worked with this state of the data at {marked_at:%Y-%m-%d %H:%M:%S %Z}."
            )
        held = Inventory.taken()
        for count, name in (
            (held.bots, "enabled bots"),
            (held.grants, "grants that a refresh token keeps alive"),
            (held.sessions, "open authorization sessions"),
            (held.runs, "handler runs that wait"),
            (held.deliveries, "deliveries that wait"),
            (held.clients, "API clients"),
        ):
            self.stdout.write(f"  {count:>7,} {name}")

    def _confirm(self, kind: Adoption) -> None:
        if kind == Adoption.COPY:
            question = (
                "Its user tokens are destroyed, and its bots, API clients and subscriptions switched off."
            )
        else:
            question = "Go on only where the original no longer runs, and will not be started again."
        confirm(self.stdout, question, word=WORD)

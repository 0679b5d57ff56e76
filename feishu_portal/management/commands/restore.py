"""``manage.py restore``: a backup into the place of the SQLite database, while the portal does not run."""

import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.checks import SETTINGS
from core.database.connections import close_own
from core.installation.backup import BackupError, restore
from feishu.text import Text
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.database_file import database_file
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "用 manage.py backup 生成的文件替换 SQLite 数据库。请先停止门户。原数据库改名后保留在旁边。恢复后门户保持被动，直到执行 manage.py adoptrestore。PostgreSQL 请使用 pg_restore，参见 docs/operations/backup.zh.md。",
        "Put a file that manage.py backup made in the place of the SQLite database. Stop the portal first. What was there stays beside it under another name. The portal is passive afterwards, until manage.py adoptrestore. PostgreSQL has pg_restore: see docs/operations/backup.md.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=said("备份文件。", "The backup."))
        parser.add_argument("--yes", action="store_true", help=said("不再询问。", "Do not ask."))

    def handle(self, *args: Any, **options: Any) -> None:
        database = database_file()
        if not options["yes"] and database.exists():
            confirm(
                self.stdout,
                said(
                    f"当前数据库 {database} 将被移到一旁，备份之后的数据不再可用。",
                    f"{database} is put aside, with everything that came after the backup.",
                ),
                word="restore",
            )
        close_own()
        try:
            replaced = restore(database, options["file"])
        except BackupError as error:
            raise CommandError(said(f"{error.text.zh_cn}。", f"{error.text.en_us}.")) from error
        except (OSError, sqlite3.Error) as error:
            raise CommandError(said(f"未作任何恢复：{error}。", f"Nothing was restored: {error}.")) from error
        if replaced is not None:
            self.stdout.write(
                said(f"原数据库已改名为 {replaced.name}。", f"What was there is now {replaced.name}.")
            )
        self.stdout.write(
            said(
                "已恢复。若备份来自旧版本，请先执行 manage.py migrate，再执行 manage.py adoptrestore；在此之前门户保持被动。",
                "Restored. Run manage.py migrate if the backup is of an older version, then manage.py adoptrestore: until then the "
                "portal stays passive.",
            )
        )

"""``manage.py restore``: a backup into the place of the SQLite database, while the portal does not run."""

import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from core.checks import SETTINGS
from core.installation.backup import BackupError, restore
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.database_file import database_file


class Command(BaseCommand):
    help = (
        "Put a file that manage.py backup made in the place of the SQLite database. Stop the portal first. What was there stays "
        "beside it under another name. The portal is passive afterwards, until manage.py adoptrestore. PostgreSQL has "
        "pg_restore: see docs/operations/backup.md."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The backup.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        database = database_file()
        if not options["yes"] and database.exists():
            confirm(
                self.stdout,
                f"{database} is put aside, with everything that came after the backup. 当前数据库将被移到一旁。",
                word="restore",
            )
        connection.close()
        try:
            replaced = restore(database, options["file"])
        except BackupError as error:
            raise CommandError(f"{error.text.en_us}. {error.text.zh_cn}。") from error
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"Nothing was restored: {error}. 未作任何恢复。") from error
        if replaced is not None:
            self.stdout.write(f"What was there is now {replaced.name}. 原数据库已改名保留。")
        self.stdout.write(
            "Restored. Run manage.py migrate if the backup is of an older version, then manage.py adoptrestore: until then the "
            "portal stays passive. 已恢复。若备份来自旧版本，请先执行 manage.py migrate，再执行 manage.py adoptrestore；在此之前门户保持被动。"
        )

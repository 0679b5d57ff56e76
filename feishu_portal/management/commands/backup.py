"""``manage.py backup``: the SQLite database into one file, while the portal runs."""

import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.checks import SETTINGS
from core.installation.backup import BackupError, save
from feishu.text import Text
from feishu_portal.management.database_file import database_file
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "门户运行期间，将 SQLite 数据库某一时刻的状态写入新文件。ENCRYPTION_KEYS 请另行保存，缺少它则文件中的凭证无法解密。PostgreSQL 请使用 pg_dump，参见 docs/operations/backup.zh.md。",
        "Write the SQLite database to a new file, as it is at one moment, while the portal runs. The ENCRYPTION_KEYS belong elsewhere: without them the file opens no secret. PostgreSQL has pg_dump: see docs/operations/backup.md.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=said("要创建的文件。", "The file to make."))

    def handle(self, *args: Any, **options: Any) -> None:
        target = options["file"]
        try:
            save(database_file(), target)
        except BackupError as error:
            raise CommandError(said(f"{error.text.zh_cn}。", f"{error.text.en_us}.")) from error
        except (OSError, sqlite3.Error) as error:
            raise CommandError(said(f"未能完成备份：{error}。", f"No backup was made: {error}.")) from error
        size = target.stat().st_size / 1_000_000
        self.stdout.write(
            said(
                f"{target}：{size:.1f} MB。请另行保存 ENCRYPTION_KEYS 与 SECRET_KEY，缺少它们则备份中的凭证无法解密。",
                f"{target}: {size:.1f} MB. Keep ENCRYPTION_KEYS and SECRET_KEY elsewhere: without them it opens no secret.",
            )
        )

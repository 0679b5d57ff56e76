"""The file of an SQLite database, for commands that are about files."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection

from feishu_portal.management.speaking import said


def database_file() -> Path:
    """Raises CommandError where the database is on a server, or in memory."""
    name = connection.settings_dict["NAME"]
    if connection.vendor != "sqlite" or str(name) == ":memory:":
        raise CommandError(
            said(
                "此命令仅用于 SQLite；PostgreSQL 请使用 pg_dump 与 pg_restore，参见 docs/operations/backup.zh.md。",
                "This is for SQLite. For PostgreSQL use pg_dump and pg_restore: docs/operations/backup.md.",
            )
        )
    return Path(name)

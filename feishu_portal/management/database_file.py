"""The file of an SQLite database, for commands that are about files."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection


def database_file() -> Path:
    """Raises CommandError where the database is on a server, or in memory."""
    name = connection.settings_dict["NAME"]
    if connection.vendor != "sqlite" or str(name) == ":memory:":
        raise CommandError(
            "This is for SQLite. For PostgreSQL use pg_dump and pg_restore: docs/operations/backup.md. "
            "此命令仅用于 SQLite；PostgreSQL 请使用 pg_dump 与 pg_restore。"
        )
    return Path(name)

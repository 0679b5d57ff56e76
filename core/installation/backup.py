"""Backups of an SQLite database: made while the portal runs, put in its place while it does not.

A copy of the file alone is none: what was written last lies in the write-ahead log beside it, and a log that is left beside
another file spoils that. Nor is a copy on another disk always known by the number of its file (see ``place``), so a backup says
itself that it is one, and the portal stays passive with it.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from core.installation.place import BACKUP
from feishu.text import Text

PATIENCE: Final = 5.0
"""Seconds to wait for a lock."""


class BackupError(Exception):
    """Nothing was made or replaced; ``text`` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en_us)
        self.text = text


def save(database: Path, target: Path) -> None:
    """Write the database as it is at one moment to a new file, which its owner alone may read. Writers go on meanwhile.

    Raises BackupError, OSError and sqlite3.Error."""
    if target.exists():
        raise BackupError(Text(f"{target} 已存在", f"{target} exists already"))
    unfinished = _unfinished(target)
    try:
        with (
            closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            source.backup(copy)
            _settle(copy)
        _put_in_place(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(database: Path, source: Path) -> Path | None:
    """Put a backup in the place of the database; where what was there is now, None where there was nothing.

    Raises BackupError, OSError and sqlite3.Error; then the database is as it was."""
    _check(source)
    if database.exists():
        _fold_log(database)
    unfinished = _unfinished(database)
    try:
        shutil.copyfile(source, unfinished)
        with closing(sqlite3.connect(unfinished)) as copy:
            _settle(copy)
        replaced = _set_aside(database) if database.exists() else None
        try:
            _put_in_place(unfinished, database)
        except OSError:
            if replaced is not None:
                replaced.rename(database)
            raise
    finally:
        unfinished.unlink(missing_ok=True)
    return replaced


def _unfinished(target: Path) -> Path:
    """An empty file beside it, its owner's alone."""
    path = target.with_name(f"{target.name}.part")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    return path


def _settle(copy: sqlite3.Connection) -> None:
    """Make one file of it, which says that it is a backup."""
    copy.execute("PRAGMA journal_mode = DELETE")
    with copy:
        copy.execute("UPDATE access_installation SET place = ?", [BACKUP])
    [[verdict]] = copy.execute("PRAGMA quick_check(1)")
    if verdict != "ok":
        raise BackupError(Text(f"数据已损坏：{verdict}", f"the data is damaged: {verdict}"))


def _check(source: Path) -> None:
    if not source.is_file():
        raise BackupError(Text(f"{source} 不存在", f"there is no file {source}"))
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            opened.execute("SELECT identity FROM access_installation")
    except sqlite3.DatabaseError as error:
        raise BackupError(
            Text(f"{source} 不是门户的备份（{error}）", f"{source} is no backup of a portal: {error}")
        ) from None


def _fold_log(database: Path) -> None:
    """Write what the log beside the file holds into the file, which only works while nobody else has it open."""
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as opened:
        try:
            opened.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise
            raise BackupError(
                Text(
                    "仍有进程在使用该数据库，请先停止门户",
                    "a process works with the database: stop the portal first",
                )
            ) from None


def _set_aside(database: Path) -> Path:
    aside = database.with_name(f"{database.name}.replaced-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    database.rename(aside)
    return aside


def _put_in_place(file: Path, target: Path) -> None:
    """Under its own name once all of it is on the disk."""
    _sync(file)
    file.rename(target)
    _sync(target.absolute().parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from core.installation import backup
from core.installation.backup import BackupError, restore, save
from core.installation.place import BACKUP


@pytest.fixture
def database(tmp_path) -> Path:
    """As the portal has it: with its last changes in the log beside the file, and a process that has it open."""
    return tmp_path / "portal.sqlite3"


@pytest.fixture
def portal(database):
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE access_installation (identity TEXT, place TEXT)")
        opened.execute("INSERT INTO access_installation VALUES ('here', '17')")
        opened.commit()
        yield opened


def rows(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as opened:
        return opened.execute("SELECT identity, place FROM access_installation").fetchall()


def write(portal: sqlite3.Connection, identity: str) -> None:
    portal.execute("UPDATE access_installation SET identity = ?", [identity])
    portal.commit()


def test_backup_of_a_running_portal_is_one_file_with_its_last_changes(database, portal, tmp_path):
    write(portal, "last")
    target = tmp_path / "portal.backup"
    save(database, target)
    assert rows(target) == [("last", BACKUP)]
    assert rows(database) == [("last", "17")]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(target.name)} == {target.name}


def test_file_that_is_there_is_not_overwritten(database, portal, tmp_path):
    target = tmp_path / "portal.backup"
    target.write_text("mine")
    with pytest.raises(BackupError, match="exists already"):
        save(database, target)
    assert target.read_text() == "mine"


def test_database_that_cannot_be_read_leaves_no_file(tmp_path):
    target = tmp_path / "portal.backup"
    with pytest.raises(sqlite3.OperationalError):
        save(tmp_path / "gone.sqlite3", target)
    assert list(tmp_path.iterdir()) == []


def test_restored_backup_takes_the_place_and_what_was_there_stays_beside_it(database, portal, tmp_path):
    target = tmp_path / "portal.backup"
    save(database, target)
    write(portal, "later")
    portal.close()
    replaced = restore(database, target)
    assert rows(database) == [("here", BACKUP)]
    assert replaced is not None
    assert rows(replaced) == [("later", "17")]
    assert rows(target) == [("here", BACKUP)]
    assert {path.name for path in tmp_path.iterdir()} == {database.name, replaced.name, target.name}


def test_database_comes_back_where_the_backup_cannot_be_put_in_its_place(
    database, portal, tmp_path, monkeypatch
):
    target = tmp_path / "portal.backup"
    save(database, target)
    write(portal, "later")
    portal.close()

    def full(_file, _target):
        raise OSError("No space left on device")

    monkeypatch.setattr(backup, "_put_in_place", full)
    with pytest.raises(OSError, match="No space"):
        restore(database, target)
    assert rows(database) == [("later", "17")]
    assert {path.name for path in tmp_path.iterdir()} == {database.name, target.name}


def test_copy_that_another_program_made_is_known_as_one_once_it_is_restored(database, portal, tmp_path):
    copy = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(copy)) as to:
        portal.backup(to)
    assert restore(tmp_path / "elsewhere.sqlite3", copy) is None
    assert rows(tmp_path / "elsewhere.sqlite3") == [("here", BACKUP)]


def test_nothing_is_replaced_while_a_process_works_with_the_database(database, portal, tmp_path, monkeypatch):
    monkeypatch.setattr("core.installation.backup.PATIENCE", 0.1)
    target = tmp_path / "portal.backup"
    save(database, target)
    write(portal, "later")
    with pytest.raises(BackupError, match="stop the portal"):
        restore(database, target)
    assert rows(database) == [("later", "17")]


@pytest.mark.parametrize("content", [None, b"", b"no database at all, but a few words of text" * 40])
def test_file_that_is_no_backup_replaces_nothing(database, portal, tmp_path, content):
    portal.close()
    source = tmp_path / "source"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BackupError, match=r"no backup of a portal|there is no file"):
        restore(database, source)
    assert rows(database) == [("here", "17")]


def test_damaged_backup_replaces_nothing(database, portal, tmp_path):
    portal.execute("CREATE TABLE filler (text TEXT)")
    portal.executemany("INSERT INTO filler VALUES (?)", [("x" * 500,)] * 200)
    portal.commit()
    target = tmp_path / "portal.backup"
    save(database, target)
    portal.close()
    content = bytearray(target.read_bytes())
    content[-8192:] = bytes(8192)  # two of its pages
    target.write_bytes(content)
    with pytest.raises((BackupError, sqlite3.DatabaseError)):
        restore(database, target)
    assert rows(database) == [("here", "17")]

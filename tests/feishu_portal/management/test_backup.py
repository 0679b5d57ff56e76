"""The commands as an operator calls them; what they do to files is tested with core.installation.backup."""

import io
import sqlite3
from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from django.db import connection


def call(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "portal.sqlite3"
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("CREATE TABLE access_installation (identity TEXT, place TEXT)")
        opened.execute("INSERT INTO access_installation VALUES ('here', '17')")
    for command in ("backup", "restore"):
        monkeypatch.setattr(f"feishu_portal.management.commands.{command}.database_file", lambda: path)
    return path


@pytest.mark.parametrize("command", [("backup", "portal.backup"), ("restore", "portal.backup", "--yes")])
def test_database_that_is_no_file_has_programs_of_its_own(monkeypatch, command):
    monkeypatch.setitem(connection.settings_dict, "NAME", ":memory:")
    with pytest.raises(CommandError, match="pg_restore"):
        call(*command)


def test_backup_is_made_and_restored(database, tmp_path):
    target = str(tmp_path / "portal.backup")
    assert "ENCRYPTION_KEYS" in call("backup", target)
    out = call("restore", target, "--yes")
    assert "portal.sqlite3.replaced-" in out
    assert "adoptrestore" in out


def test_backup_says_why_there_is_none(database, tmp_path):
    (tmp_path / "portal.backup").touch()
    with pytest.raises(CommandError, match="exists already"):
        call("backup", str(tmp_path / "portal.backup"))
    with pytest.raises(CommandError, match="No backup was made"):
        call("backup", str(tmp_path / "no such folder" / "portal.backup"))


@pytest.mark.parametrize("answer", ["", "yes\n"])
def test_nothing_is_restored_unasked(database, tmp_path, monkeypatch, answer):
    target = str(tmp_path / "portal.backup")
    call("backup", target)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(CommandError, match="Nothing was changed"):
        call("restore", target)
    monkeypatch.setattr("sys.stdin", io.StringIO("restore\n"))
    assert "Restored" in call("restore", target)


def test_file_that_is_no_backup_is_refused(database, tmp_path):
    with pytest.raises(CommandError, match="there is no file"):
        call("restore", str(tmp_path / "gone"), "--yes")

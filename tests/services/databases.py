"""Databases for processes under test: migrated once, then copied, so that each test has its own."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
from psycopg import sql

from tests.services.processes import PROJECT, clean_environment
from tests.services.session import Services


class DatabaseCopies:
    """Hands out copies of a migrated database, on the engine of the session."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._engine = (
            SQLiteFiles(services.directory)
            if services.database == "sqlite"
            else PostgreSQLDatabases(services.database_url)
        )
        self._names = (f"fp_{os.getpid()}_{number}" for number in count())
        self._template = ""

    def create(self, *, of: str = "") -> str:
        """The URL of a copy of a database, which nobody may be connected to; without one it holds the schema alone.

        The first call migrates the template.
        """
        if not self._template:
            self._services.start_database()
            template = self._engine.create(next(self._names))
            self._migrate(template)
            self._template = template
        url = self._engine.create(next(self._names), template=of or self._template)
        if of:
            self._engine.settle(url)  # a copy that holds bots would be taken for a restored backup
        return url

    def restore(self, of: str) -> str:
        """The URL of a copy that knows of nothing: to the portal it is a restored backup."""
        return self._engine.create(next(self._names), template=of)

    def drop(self, url: str) -> None:
        self._engine.drop(url)

    def close(self) -> None:
        if self._template:
            self._engine.drop(self._template)

    def _migrate(self, url: str) -> None:
        environment = clean_environment(self._services.directory / "data") | {"DATABASE_URL": url}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(command, cwd=PROJECT, env=environment, timeout=280, check=True)


class SQLiteFiles:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create(self, name: str, *, template: str = "") -> str:
        path = self._directory / f"{name}.sqlite3"
        if template:
            shutil.copyfile(urlsplit(template).path, path)
        return f"sqlite:///{path}"

    def settle(self, url: str) -> None:
        """Make the copy an installation of its own, without a start of the portal."""
        path = Path(urlsplit(url).path)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE access_installation SET place = ?", [str(path.stat().st_ino)])

    def drop(self, url: str) -> None:
        """With the write-ahead log beside it."""
        path = Path(urlsplit(url).path)
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()


class PostgreSQLDatabases:
    def __init__(self, server_url: str) -> None:
        self._server_url = server_url

    def create(self, name: str, *, template: str = "") -> str:
        source = sql.Identifier(_database_name(template) if template else "template1")
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        parts = urlsplit(self._server_url)
        return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}"))

    def settle(self, url: str) -> None:
        """Make the copy an installation of its own, without a start of the portal."""
        from core.installation.place import QUERY  # noqa: PLC0415 -- models are there only now

        self._execute(sql.SQL("UPDATE access_installation SET place = ({})").format(sql.SQL(QUERY)), url)

    def drop(self, url: str) -> None:
        """Cuts off whoever is still connected."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_database_name(url))))

    def _execute(self, statement: sql.Composed, url: str = "") -> None:
        to = environ.Env.db_url_config(url or self._server_url)
        with psycopg.connect(
            host=to["HOST"],
            port=to["PORT"] or None,
            user=to["USER"],
            password=to["PASSWORD"] or None,
            dbname=to["NAME"] if url else "postgres",
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            connection.execute(statement)


def _database_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]

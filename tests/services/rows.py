"""Looking into the database of processes under test, from outside Django."""

import sqlite3
from typing import Any
from urllib.parse import urlsplit

import environ
import psycopg


class Rows:
    """Reads a database by SQL that both engines understand."""

    def __init__(self, url: str) -> None:
        if url.startswith("sqlite"):
            self._connection: Any = sqlite3.connect(urlsplit(url).path, timeout=20)
        else:
            config = environ.Env.db_url_config(url)
            self._connection = psycopg.connect(
                dbname=config["NAME"], user=config["USER"], host=config["HOST"], port=config["PORT"] or None,
                password=config["PASSWORD"] or None, autocommit=True, **config.get("OPTIONS", {}),
            )  # fmt: skip

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def one(self, sql: str) -> tuple[Any, ...]:
        [row] = self.all(sql)
        return row

    def execute(self, sql: str) -> None:
        """A change that the processes have to notice."""
        self._connection.execute(sql)
        if isinstance(self._connection, sqlite3.Connection):
            self._connection.commit()

    def close(self) -> None:
        self._connection.close()

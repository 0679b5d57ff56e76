"""aPaaS workspaces: small tables in memory, an SQLite database each.

The platform's workspaces speak PostgreSQL; for what people try here the two agree.
"""

import sqlite3
import uuid
import weakref
from typing import Any, Final

DEMO_WORKSPACE: Final = "workspace_demo01"
DEMO_NAMESPACE: Final = "package_demo__c"
_STEPS: Final = 100_000
_MAX_INTERRUPTS: Final = 200  # some ten million steps of the machine: no statement holds the sandbox for long
_DEMO: Final = """
CREATE TABLE student (_id TEXT PRIMARY KEY, name TEXT UNIQUE, age INTEGER, active BOOLEAN);
INSERT INTO student VALUES
    ('00000000-0000-4000-8000-000000000001', 'Ann', 12, 1),
    ('00000000-0000-4000-8000-000000000002', 'Bo', 9, 1),
    ('00000000-0000-4000-8000-000000000003', '陈晨', 15, 0);
"""
_FORBIDDEN: Final = frozenset(
    {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_TRANSACTION}
)


class WorkspaceError(Exception):
    """The database does not take it."""


class Workspace:
    """Tables and rows."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        # Python 3.13 warns of one that is left to the garbage collector.
        weakref.finalize(self, self._database.close)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_DEMO)

    def tables(self) -> list[str]:
        found = self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return [row["name"] for row in found]

    def columns(self, table: str) -> dict[str, dict[str, Any]]:
        """Each column and what is known of it; none where there is no such table."""
        about = "SELECT name, type, pk, `notnull` FROM pragma_table_info(?)"
        unique = """SELECT info.name FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info
                    WHERE list.`unique`"""
        uniques = {row["name"] for row in self._database.execute(unique, [table])}
        return {
            row["name"]: {
                "name": row["name"],
                "description": "",
                "data_type": row["type"].lower(),
                "is_primary_key": bool(row["pk"]),
                "is_unique": row["name"] in uniques,
                "is_auto_increment": False,
                "is_array": False,
                "is_allow_null": not row["notnull"] and not row["pk"],
                "default_value": "",
            }
            for row in self._database.execute(about, [table])
        }

    def run(self, statement: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """The rows that a statement of our own gives. Raises WorkspaceError."""
        try:
            return [dict(row) for row in self._database.execute(statement, values or [])]
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise WorkspaceError(str(error)) from None

    def run_all(self, statements: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        """All of them or none. Raises WorkspaceError."""
        self._database.execute("BEGIN")
        try:
            rows = [row for statement, values in statements for row in self.run(statement, values)]
        except WorkspaceError:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return rows

    def run_foreign(self, statement: str) -> list[dict[str, Any]]:
        """A statement of the caller's: within this database, and not for long. Raises WorkspaceError."""
        interrupts = 0

        def tick() -> bool:
            nonlocal interrupts
            interrupts += 1
            return interrupts > _MAX_INTERRUPTS

        self._database.set_authorizer(_authorize)
        self._database.set_progress_handler(tick, _STEPS)
        try:
            return self.run(statement)
        except sqlite3.Warning as error:
            raise WorkspaceError(str(error)) from None
        finally:
            self._database.set_progress_handler(None, 0)
            self._database.set_authorizer(None)


def new_record_id() -> str:
    return str(uuid.uuid4())


def _authorize(action: int, *_about: str | None) -> int:
    return sqlite3.SQLITE_DENY if action in _FORBIDDEN else sqlite3.SQLITE_OK

"""How many connections to PostgreSQL the processes of the portal may open at once, and how many they are allowed.

docs/operations/postgresql.md has the same sum as a table.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection

from bots.enums import ProcessKind
from bots.models import FleetProcess
from bots.models.processes import SILENT_AFTER
from core.database import poolers

CONSOLE: Final = "pgbouncer"
"""The database by which PgBouncer tells of itself those who are in its ``admin_users`` or ``stats_users``."""
ANSWER_SECONDS: Final = 5

_MOST: Final[dict[str, Callable[[], int]]] = {
    ProcessKind.WEB: lambda: settings.WEB_DATABASE_CONNECTIONS,
    ProcessKind.RUNFEISHU: lambda: 4 + settings.CALLBACK_THREADS,
    ProcessKind.WORKER: lambda: (
        1 + settings.CELERY_WORKER_CONCURRENCY * (settings.WORKER_DATABASE_CONNECTIONS + 4)
    ),
    ProcessKind.REFRESHER: lambda: 3,
    ProcessKind.BEAT: lambda: 3,
}
_ON_THE_SERVER: Final = """
SELECT LEAST(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - COALESCE(current_setting('reserved_connections', true)::int, 0),
    (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
    (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
)
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many connections there are for the portal, and where the number stands."""

    count: int
    setting: str


def most_of(kind: str) -> int:
    """What one process of this kind may open. One that is everything counts as one of each."""
    if kind == ProcessKind.RUNPORTAL:
        return sum(most() for most in _MOST.values())
    return _MOST[kind]()


def most_of_all(running: Counter[str]) -> int:
    """What those that run may open, and one of each kind that is missing: it may be down, or be started yet."""
    counted = +running
    if not counted[ProcessKind.RUNPORTAL]:
        counted |= Counter(dict.fromkeys(_MOST, 1))
    return sum(number * most_of(kind) for kind, number in counted.items())


def running_processes() -> Counter[str]:
    """How many of each kind have been heard of lately; none before the first migration. Raises django.db.Error."""
    if FleetProcess._meta.db_table not in connection.introspection.table_names():
        return Counter()
    heard = FleetProcess.objects.filter(stopped_at=None).seen_within(SILENT_AFTER)
    return Counter(heard.values_list("kind", flat=True))


def allowance() -> Allowance | None:
    """Of the PostgreSQL behind DATABASE_URL; None where a pooler in between does not tell. Raises django.db.Error."""
    if settings.POOLER != "none":
        return _of_pooler()
    with connection.cursor() as cursor:
        cursor.execute(_ON_THE_SERVER)
        return Allowance(cursor.fetchone()[0], "max_connections, or a limit of the role or the database")


def _of_pooler() -> Allowance | None:
    """A session keeps a connection of the server's; a transaction only has to be let in."""
    try:
        with _console() as console:
            config = {name: value for name, value, *_ in console.execute("SHOW CONFIG")}
            if poolers.is_by_transaction():
                return Allowance(int(config["max_client_conn"]), "max_client_conn of the pooler")
            databases = console.execute("SHOW DATABASES")
            columns = [column.name for column in databases.description or ()]
            sizes = [dict(zip(columns, row, strict=True)) for row in databases]
    except (psycopg.Error, KeyError, ValueError):
        return None
    name = connection.settings_dict["NAME"]
    size = next((row["pool_size"] for row in sizes if row["name"] == name), config["default_pool_size"])
    return Allowance(int(size), "default_pool_size of the pooler, or pool_size of the database")


def _console() -> psycopg.Connection[Any]:
    """As the user of DATABASE_URL. Raises psycopg.Error where that one may not, or where it is another pooler."""
    parameters = connection.get_connection_params()
    for of_django in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(of_django, None)
    return psycopg.connect(
        **parameters | {"dbname": CONSOLE, "connect_timeout": ANSWER_SECONDS}, autocommit=True
    )

"""Where the database lies: a text that is another one for every copy that was made of it.

On PostgreSQL it is made of three numbers of the server's: of the database, which CREATE DATABASE ... TEMPLATE gives afresh; of
the anchor's table, which a restore makes afresh; and of the transaction that wrote the anchor, which a restore of the rows alone
makes afresh. VACUUM FULL, pg_upgrade (since 15), a promoted standby and a physical backup keep all three, so a physical copy
is not told apart by its place. On SQLite it is the number of the file. See docs/adr/0023-installation.md.
"""

from pathlib import Path
from typing import Final

from django.db import connection

BACKUP: Final = "backup"
"""What a file of ``manage.py backup`` has where a database has its place; no place looks like that."""
QUERY = (
    "SELECT d.oid::text || ':' || a.tableoid::text || ':' || a.xmin::text"
    " FROM access_databaseanchor a, pg_database d WHERE d.datname = current_database()"
)


def place() -> str:
    """The place; empty where there is nothing to tell it by: no anchor, or a database in memory. Raises django.db.Error."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(QUERY)
            row = cursor.fetchone()
        return row[0] if row else ""
    from core.access.models import DatabaseAnchor  # noqa: PLC0415 -- benches read the query without a Django set up

    if not DatabaseAnchor.objects.exists():
        return ""
    try:
        return str(Path(connection.settings_dict["NAME"]).stat().st_ino)
    except OSError:
        return ""

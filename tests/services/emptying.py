"""Emptying the tables after a test that committed.

Django truncates every table and makes content types and permissions again, which takes longer than most tests. Here only
tables that hold rows are emptied, and those two are left as they are.
"""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

from core.access import append_only
from core.database.connections import limit_waiting
from core.installation import state
from core.vault import canary

KEPT = {ContentType._meta.db_table, Permission._meta.db_table}


def empty_tables(case: TransactionTestCase) -> None:
    """In the place of ``TransactionTestCase._fixture_teardown``."""
    limit_waiting(0)  # a handler that ran on this thread had its own limit
    for alias in case._databases_names(include_mirrors=False):
        with transaction.atomic(using=alias):
            _delete_rows(connections[alias])
    canary.create_canary()
    state.create()


def _delete_rows(connection: BaseDatabaseWrapper) -> None:
    existing = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = {name: connection.ops.quote_name(name) for name in existing if name not in KEPT}
    holding = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quoted})" for name, quoted in tables.items()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Whatever a thread that was left behind is still writing, it is waited for.
            cursor.execute(f"LOCK TABLE {', '.join(tables.values())} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(" UNION ALL ".join(holding))
        for (name,) in cursor.fetchall():
            if name == append_only.TABLE:
                _empty_audit_log(cursor, connection.vendor)
            else:
                cursor.execute(f"DELETE FROM {tables[name]}")


def _empty_audit_log(cursor: CursorWrapper, vendor: str) -> None:
    """Past its triggers."""
    table = append_only.TABLE
    if vendor == "postgresql":
        cursor.execute(
            f"ALTER TABLE {table} DISABLE TRIGGER USER; DELETE FROM {table}; ALTER TABLE {table} ENABLE TRIGGER USER"
        )
        return
    cursor.execute(f"DROP TRIGGER IF EXISTS {append_only.NAME}_delete")
    cursor.execute(f"DELETE FROM {table}")
    append_only.install()

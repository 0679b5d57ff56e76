"""The audit log is append-only at the database: triggers refuse whatever is neither retention nor the end of an account.

Rows older than ``AUDIT_DAYS`` may be deleted, and the keys of an operator and of an API client become NULL when the account
is deleted. Every other UPDATE and DELETE fails, and so does PostgreSQL's TRUNCATE, whatever part of the portal sends it. The
portal's database role owns the table and could drop the triggers: they are a fence against faults and injected statements,
and no seal against whoever runs the database. A migration that rewrites entries drops them first.

The bound stands in the trigger. It is made after every migration, and again before rows are pruned where the setting has
changed since.
"""

from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from core.access.models import AuditEntry

TABLE: Final = AuditEntry._meta.db_table
NAME: Final = f"{TABLE}_append_only"
MESSAGE: Final = "the audit log is append-only"
MAY_BECOME_NULL: Final = ("operator_id", "client_id")
LENIENCY: Final = "1 hour"
"""The clocks of the database and of the process that prunes may differ."""


def install(**_options: object) -> None:
    """Make the triggers with the present bound, those that are not there. Without the table there is nothing to do."""
    if TABLE not in connection.introspection.table_names():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _install_on_postgresql(cursor)
        else:
            _install_on_sqlite(cursor)


def _install_on_postgresql(cursor: CursorWrapper) -> None:
    body = _function_body()
    cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regproc(%s)", [NAME])
    if cursor.fetchone() != (body,):
        cursor.execute(f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", [TABLE])
    present = {name for (name,) in cursor.fetchall()}
    triggers = {
        NAME: "UPDATE OR DELETE ON {} FOR EACH ROW",
        f"{NAME}_whole": "TRUNCATE ON {} FOR EACH STATEMENT",
    }
    for name, event in triggers.items():
        if name not in present:
            cursor.execute(f"CREATE TRIGGER {name} BEFORE {event.format(TABLE)} EXECUTE FUNCTION {NAME}()")


def _function_body() -> str:
    names = ", ".join(f"'{column}'" for column in MAY_BECOME_NULL)
    emptied = " AND ".join(
        f"(NEW.{column} IS NULL OR NEW.{column} IS NOT DISTINCT FROM OLD.{column})"
        for column in MAY_BECOME_NULL
    )
    return f"""
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.at < now() - interval '{settings.AUDIT_DAYS} days' + interval '{LENIENCY}' THEN
      RETURN OLD;
    END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    IF {emptied}
       AND to_jsonb(NEW) - ARRAY[{names}] = to_jsonb(OLD) - ARRAY[{names}] THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation';
END
"""


def _install_on_sqlite(cursor: CursorWrapper) -> None:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
    present = dict(cursor.fetchall())
    for name, event in _sqlite_events().items():
        text = f"CREATE TRIGGER {name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        if present.get(name) != text:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(text)


def _sqlite_events() -> dict[str, str]:
    """What is refused. A REPLACE deletes without firing the trigger for DELETE, so the row that it would put is refused."""
    columns = [field.column for field in AuditEntry._meta.concrete_fields]
    kept = " AND ".join(
        f"(NEW.{column} IS NULL OR NEW.{column} IS OLD.{column})"
        if column in MAY_BECOME_NULL
        else f"NEW.{column} IS OLD.{column}"
        for column in columns
    )
    bound = f"strftime('%Y-%m-%d %H:%M:%S', 'now', '-{settings.AUDIT_DAYS} days', '+{LENIENCY}')"
    return {
        f"{NAME}_delete": f"DELETE ON {TABLE} WHEN OLD.at >= {bound}",
        f"{NAME}_replace": f"INSERT ON {TABLE} WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)",  # noqa: S608 -- names of this module
        f"{NAME}_update": f"UPDATE ON {TABLE} WHEN NOT ({kept})",
    }  # fmt: skip

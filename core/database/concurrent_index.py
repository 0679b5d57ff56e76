"""An index for a table that is in use: writers go on while it is made."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently as PostgreSQLsOwn
from django.db.migrations import AddIndex


class AddIndexConcurrently(PostgreSQLsOwn):
    """Django's, which SQLite takes for an ordinary one, and which may be run again.

    It waits for transactions that are open, longer than ``migrate`` lets a statement wait for a lock, but nobody queues behind it.
    Interrupted, it leaves an index that counts as there and is not used: that one is made again. Its migration has to be
    ``atomic = False`` and holds nothing else.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', '0', false)")
            name = connection.ops.quote_name(self.index.name)
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name]
            )
            if cursor.fetchone():
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)

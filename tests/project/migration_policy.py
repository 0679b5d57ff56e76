"""What a migration may do so that the release before goes on working: docs/operations/upgrading.md."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.migrations import operations
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from core.database.concurrent_index import AddIndexConcurrently

# Of a field, what the database does not know.
ONLY_PYTHON = {
    "blank",
    "choices",
    "default",
    "editable",
    "error_messages",
    "help_text",
    "limit_choices_to",
    "related_name",
    "validators",
    "verbose_name",
}
CONTRACTS = (
    operations.RemoveField,
    operations.DeleteModel,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
    operations.AddConstraint,
    operations.RemoveConstraint,
    operations.RemoveIndex,
    operations.AlterUniqueTogether,
    operations.AlterIndexTogether,
    operations.AlterOrderWithRespectTo,
)
HARMLESS = (operations.CreateModel, operations.AlterModelOptions, operations.AlterModelManagers)
REASONED = (operations.RunPython, operations.RunSQL, operations.SeparateDatabaseAndState)


def offences(migration: Migration, before: ProjectState, *, released: Collection[str]) -> list[str]:
    """What the code of the release before would not survive, a sentence each.

    ``before`` is the state it starts from, ``released`` are the versions that are out. A migration that contracts says since
    which of them the code no longer uses what goes (``unused_since = "0.2.0"``); one that runs code or SQL says why old code
    may go on meanwhile (``compatible_because = "…"``).
    """
    found = []
    state = before.clone()
    for operation in migration.operations:
        if problem := _problem(migration, operation, state, released):
            found.append(f"{migration.app_label}.{migration.name}: {operation.describe()}: {problem}")
        operation.state_forwards(migration.app_label, state)
    return found


def _problem(
    migration: Migration, operation: Any, state: ProjectState, released: Collection[str]
) -> str | None:
    match operation:
        case AddIndexConcurrently():
            if migration.atomic or len(migration.operations) > 1:
                return "needs a migration of its own with atomic = False"
            return None
        case operations.AddIndex():
            is_new = (migration.app_label, operation.model_name_lower) in _made(migration)
            return None if is_new else "locks out writers: use AddIndexConcurrently of core.database"
        case operations.AddField():
            return _problem_of_new(operation.field)
        case operations.AlterField():
            old = state.models[migration.app_label, operation.model_name_lower].fields[operation.name]
            return None if _may_become(old, operation.field) else _contract(migration, released)
        case _ if isinstance(operation, REASONED):
            return None if getattr(migration, "compatible_because", "") else "say why: compatible_because"
        case _ if isinstance(operation, HARMLESS):
            return None
        case _ if isinstance(operation, CONTRACTS):
            return _contract(migration, released)
    return "is not known to this check"


def _made(migration: Migration) -> set[tuple[str, str]]:
    return {
        (migration.app_label, operation.name_lower)
        for operation in migration.operations
        if isinstance(operation, operations.CreateModel)
    }


def _problem_of_new(field: models.Field[Any, Any]) -> str | None:
    if field.many_to_many or field.null or field.db_default is not NOT_PROVIDED:
        return None
    return "old code leaves it out when it inserts: null=True or a db_default"


def _contract(migration: Migration, released: Collection[str]) -> str | None:
    since = getattr(migration, "unused_since", "")
    if since in released:
        return None
    return f"contracts: only with unused_since of a released version, not {since or 'none'}"


def _may_become(old: models.Field[Any, Any], new: models.Field[Any, Any]) -> bool:
    """Whether old code reads and writes the column as before."""
    if old.null and not new.null:
        return False
    was, becomes = _column(old), _column(new)
    if (was.pop("max_length", 0) or 0) > (becomes.pop("max_length", 0) or 0):
        return False
    if "db_default" not in was:
        becomes.pop("db_default", None)
    was.pop("null", None)
    becomes.pop("null", None)
    return was == becomes


def _column(field: models.Field[Any, Any]) -> dict[str, Any]:
    """What the database knows of it."""
    _name, path, _arguments, values = field.deconstruct()
    return {"type": path} | {name: value for name, value in values.items() if name not in ONLY_PYTHON}

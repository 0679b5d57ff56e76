"""Indexes of an app's models, and statements that need them. Every index costs each write: a table beside the tests of the models
names each with the statement of the product that reads it, or says what there may be one of."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db.models import Index, Model, Q, QuerySet, UniqueConstraint

Statement = Callable[[], QuerySet[Any]]


def declared(app: str) -> dict[str, set[str]]:
    """The indexes of an app beside its primary keys: by name, or as ``model.field`` where a field declares it. Of each the
    columns by which a statement can come to it, as they stand in SQL: the one that it begins with, and those of its condition."""
    models = [model for model in apps.get_app_config(app).get_models() if not model._meta.proxy]
    return {name: _as_in_sql(model, fields) for model in models for name, fields in _indexes(model)}


def astray(app: str, statements: Mapping[str, Statement]) -> list[str]:
    """Those whose statement neither asks for nor sorts by a column of theirs."""
    known = declared(app)
    return [
        name
        for name, statement in statements.items()
        if not any(column in _conditions(statement()) for column in known[name])
    ]


def keys_without_index(model: type[Model]) -> list[str]:
    """Foreign keys of a model by which no index begins, as ``model.field``: whoever deletes the row that such a key leads to reads
    the whole table for it. An index of a part of the rows counts where all are in it whose key is set."""
    parts = [
        one
        for one in (*model._meta.indexes, *model._meta.constraints)
        if isinstance(one, Index | UniqueConstraint) and one.fields
    ]

    def begins(index: Index | UniqueConstraint, name: str) -> bool:
        is_whole = index.condition in (None, Q(**{f"{name}__isnull": False}))
        return is_whole and index.fields[0].removeprefix("-") == name

    return [
        f"{model._meta.model_name}.{field.name}"
        for field in model._meta.local_fields
        if field.is_relation
        and not (field.unique or field.db_index)
        and not any(begins(index, field.name) for index in parts)
    ]


def _indexes(model: type[Model]) -> Iterator[tuple[str, set[str]]]:
    unique = [one for one in model._meta.constraints if isinstance(one, UniqueConstraint)]
    index: Index | UniqueConstraint
    for index in (*model._meta.indexes, *unique):
        asked = _fields_of(index.condition) if index.condition else set()
        yield index.name, {index.fields[0].removeprefix("-"), *asked}
    for field in model._meta.local_fields:
        if not field.primary_key and (field.unique or field.db_index):
            yield f"{model._meta.model_name}.{field.name}", {field.name}


def _fields_of(condition: Q) -> set[str]:
    parts = (
        _fields_of(part) if isinstance(part, Q) else {part[0].partition("__")[0]}
        for part in condition.children
    )
    return set().union(*parts)


def _as_in_sql(model: type[Model], fields: set[str]) -> set[str]:
    return {f'"{model._meta.db_table}"."{model._meta.get_field(name).column}"' for name in fields}


def _conditions(rows: QuerySet[Any]) -> str:
    return "".join(re.split(r" (?:WHERE|ORDER BY) ", str(rows.query), maxsplit=1)[1:])

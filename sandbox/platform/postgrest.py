"""The part of PostgREST's language that aPaaS takes in queries, as SQL.

`select=_id,name`, `filter=age=gt.10&name=eq.Ann`, `order=age.desc`.
"""

from collections.abc import Collection
from typing import Any, Final
from urllib.parse import unquote_plus

_OPERATORS: Final = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_DIRECTIONS: Final = {"asc": "ASC", "desc": "DESC"}
_CONSTANTS: Final = {"null": "NULL", "true": "TRUE", "false": "FALSE"}


class QueryError(Exception):
    """The query is not in the language, or speaks of columns that the table has not."""


def select(text: str, columns: Collection[str]) -> str:
    if text in {"", "*"}:
        return "*"
    return ", ".join(_column(name, columns) for name in text.split(","))


def where(text: str, columns: Collection[str]) -> tuple[str, list[Any]]:
    """A condition and the values in it; nothing for no filter."""
    conditions, values = [], []
    for part in filter(None, text.split("&")):
        name, _, wanted = part.partition("=")
        condition, given = _condition(_column(name, columns), unquote_plus(wanted))
        conditions.append(condition)
        values += given
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def order_by(text: str, columns: Collection[str]) -> str:
    parts = []
    for part in filter(None, text.split(",")):
        name, _, direction = part.partition(".")
        if direction and direction not in _DIRECTIONS:
            raise QueryError(f"unknown direction: {direction}")
        parts.append(f"{_column(name, columns)} {_DIRECTIONS.get(direction, 'ASC')}")
    # Pages must not overlap, whatever the caller forgot to say.
    return " ORDER BY " + ", ".join([*parts, "rowid"])


def _condition(column: str, wanted: str) -> tuple[str, list[Any]]:
    operator, dot, value = wanted.partition(".")
    if not dot:
        raise QueryError(f"no operator in {wanted}")
    if operator == "not":
        condition, values = _condition(column, value)
        return f"NOT ({condition})", values
    if operator in _OPERATORS:
        return f"{column} {_OPERATORS[operator]} ?", [value]
    if operator in {"like", "ilike"}:
        return f"{column} LIKE ?", [value.replace("*", "%")]
    if operator == "is" and value in _CONSTANTS:
        return f"{column} IS {_CONSTANTS[value]}", []
    if operator == "in" and value.startswith("(") and value.endswith(")"):
        values = value[1:-1].split(",")
        return f"{column} IN ({', '.join('?' * len(values))})", list(values)
    raise QueryError(f"unknown operator: {operator}")


def _column(name: str, columns: Collection[str]) -> str:
    if name not in columns:
        raise QueryError(f"no such column: {name}")
    return quoted(name)


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'

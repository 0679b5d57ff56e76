"""Rows by the beginning of a text, found by an index on both databases."""

from django.db import connection
from django.db.models import Q

LAST = "\U0010ffff"
"""Behind every other character."""


def starting_with(column: str, beginning: str) -> Q:
    """The condition that ``column`` begins with ``beginning``, letter by letter as it is written. The column has an index of
    its own (``db_index=True``).

    PostgreSQL sorts by a language's rules, and Django gives such a column a second index for LIKE. SQLite sorts by code
    points, and its LIKE reads the whole table.
    """
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__startswith": beginning})
    return Q(**{f"{column}__gte": beginning, f"{column}__lt": beginning + LAST})

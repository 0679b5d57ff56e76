"""``IN`` with constants, as the condition of a partial index has them.

PostgreSQL is sent the values within the statement. SQLite gets parameters, and of ``IN`` with parameters it does not know
that an index of some rows holds all that is asked for: it reads the whole table instead.
"""

import re
from collections.abc import Collection
from typing import Any

from django.db.models import F, Lookup

_CONSTANT = re.compile(r"[a-z_]+")


class Among(Lookup[Any]):
    """Whether a column is one of some constants, see ``among``."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self.process_lhs(compiler, connection)
        return f"{sql} IN ({', '.join(self.rhs)})", tuple(parameters)


def among(field: str, values: Collection[str]) -> Among:
    """The condition that ``field`` is one of ``values``, in the order in which the index has them:
    ``rows.filter(among("status", WAITING))``. Raises ValueError for what is no constant, such as a text from outside."""
    quoted = []
    for value in map(str, values):
        if not _CONSTANT.fullmatch(value):
            raise ValueError(f"{value!r} is no constant.")
        quoted.append(f"'{value}'")
    return Among(F(field), tuple(quoted))

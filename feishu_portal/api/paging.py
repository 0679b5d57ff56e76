"""Pages of lists: as many rows as were asked for, and behind which one the next page begins."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

T = TypeVar("T", bound=Any)


def page_of(rows: "QuerySet[T] | Sequence[T]", limit: int) -> tuple[list[T], T | None]:
    """The first ``limit`` rows, and the last of them where more follow: what orders it is the ``next_cursor``."""
    found = list(rows[: limit + 1])
    page = found[:limit]
    return page, page[-1] if len(found) > limit else None

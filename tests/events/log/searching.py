"""Every page of a search."""

from typing import Any

from events.log.criteria import EventCriteria
from events.log.search import SearchPage, newest


def pages(criteria: EventCriteria, **options: Any) -> list[SearchPage]:
    """Every page there is, and no more than fifty."""
    found = [newest(criteria, **options)]
    while found[-1].cursor is not None and len(found) < 50:
        found.append(newest(criteria, before=found[-1].cursor, **options))
    return found


def all_of(criteria: EventCriteria, **options: Any) -> list[int]:
    return [pk for page in pages(criteria, **options) for pk in page.pks]

"""Kinds of arguments that several tools take."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from feishu_portal.api.mcp.registry import Arguments

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
"""A name that the platform gives to a thing."""
Moment = Annotated[
    AwareDatetime, Field(description="ISO 8601 with an offset, e.g. 2026-01-31T09:00:00+08:00")
]
Words = Annotated[str, Field(min_length=1, max_length=500)]
PageToken = Annotated[
    str | None, Field(description="From the previous page; left out for the first one", max_length=1000)
]


class Paged(Arguments):
    """A list, a page at a time."""

    page_size: Annotated[int, Field(ge=1, le=50)] = 20
    page_token: PageToken = None

    @property
    def page(self) -> dict[str, Any]:
        """The parameters of the platform."""
        return {"page_size": self.page_size, "page_token": self.page_token}


def seconds(moment: datetime | None) -> str | None:
    """Seconds since the epoch, as the platform writes them."""
    return None if moment is None else str(int(moment.timestamp()))


def milliseconds(moment: datetime | None) -> str | None:
    return None if moment is None else str(int(moment.timestamp() * 1000))

"""What apps above know of the activity of bots, for the list of bots."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from bots.models import Bot
from core.console.rendering import EMPTY


@dataclass(frozen=True, slots=True)
class Activity:
    """As HTML: the events of a day, and when the last message came."""

    events: str = EMPTY
    last_message: str = EMPTY


Reader: TypeAlias = Callable[[Sequence[Bot]], Mapping[UUID, Activity]]
"""Reads it for the bots of one page, in a fixed number of queries."""

_readers: Final[list[Reader]] = []


def show_activity(reader: Reader) -> Reader:
    """A decorator; the module is to be loaded with the app's admin."""
    _readers[:] = [reader]
    return reader


def activity_of(bots: Sequence[Bot]) -> Mapping[UUID, Activity]:
    """By bot; those of which nothing is known are left out."""
    return _readers[0](bots) if _readers else {}

"""Tasks of people."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

_KEPT: Final = 5_000


class Task(Struct, kw_only=True):
    """`creator` and the members' ids are a person's id or an App ID; `completed_at` is 0 while the task is open. Times are
    milliseconds of the epoch."""

    guid: str
    number: int
    creator: str
    summary: str
    description: str = ""
    due: dict[str, Any] | None = None
    members: list[tuple[str, str]]
    """Person and role, assignee or follower."""
    completed_at: int = 0
    created_at: int
    updated_at: int
    client_token: str = ""

    def concerns(self, who: str) -> bool:
        """Whether a person or an app may see the task."""
        return who == self.creator or any(who == member for member, _role in self.members)


class Tasks:
    """The newest ones, by guid."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    def add(self, task: Task) -> None:
        self._tasks[task.guid] = task
        if len(self._tasks) > _KEPT:
            self._tasks.popitem(last=False)

    def keep(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.add(task)

    def get(self, guid: str) -> Task | None:
        return self._tasks.get(guid)

    def all(self) -> list[Task]:
        """The oldest first."""
        return list(self._tasks.values())

    def made_with(self, client_token: str, creator: str) -> Task | None:
        """The task that a repeated call made the first time."""
        same = (t for t in self._tasks.values() if (t.client_token, t.creator) == (client_token, creator))
        return next(same, None) if client_token else None

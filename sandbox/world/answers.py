"""Answers that somebody has put in place of APIs which are not imitated, and the calls that found none."""

import re
from collections import OrderedDict
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_ANSWERS: Final = 2_000
MAX_MISSES: Final = 500

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Token: TypeAlias = Literal["tenant", "user", "app"]


class CannedAnswer(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a call gets: `body` as JSON, or `text` as it is. `:name` in the path stands for anything.

    `tokens`: whose tokens the API takes; left out, as the platform's own list has it, and all kinds for a path that
    is not in it; empty for an API without tokens. `scopes`: one of them is asked for. `app_id` limits it to an app.
    `bytes` pads the answer to a size: a JSON object by an item `padding`, a text by blanks.
    """

    method: Method
    path: Annotated[str, Meta(pattern=r"^/(open-apis|oauth|callback)/", max_length=500)]
    status: Annotated[int, Meta(ge=200, le=599)] = 200
    body: Any | UnsetType = UNSET
    text: str | None = None
    headers: dict[str, str] = {}
    tokens: list[Token] | None = None
    scopes: list[str] = []
    app_id: str | None = None
    bytes: Annotated[int, Meta(ge=0, le=64 * 1024 * 1024)] = 0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.app_id or "", self.method, self.path


class Miss(Struct):
    """An API that was called and is not here. `at`: milliseconds, of the last time."""

    method: str
    path: str
    exists: bool
    count: int = 0
    at: int = 0
    app_ids: list[str] = []


class Answers:
    """The canned answers, and what was missed."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[re.Pattern[str], CannedAnswer]] = {}
        self._misses: OrderedDict[tuple[str, str], Miss] = OrderedDict()

    def put(self, answer: CannedAnswer) -> bool:
        """Keep an answer in place of an earlier one for the same calls; False when there are too many."""
        if answer.key not in self._answers and len(self._answers) >= MAX_ANSWERS:
            return False
        parts = ("[^/]+" if part.startswith(":") else re.escape(part) for part in answer.path.split("/"))
        self._answers[answer.key] = (re.compile("/".join(parts) + "/?"), answer)
        return True

    def remove(self, method: str | None, path: str | None) -> int:
        """Take away the answers of a method and a path, either of them optional; how many."""
        chosen = [key for key in self._answers if method in {None, key[1]} and path in {None, key[2]}]
        for key in chosen:
            del self._answers[key]
        return len(chosen)

    def all(self) -> list[CannedAnswer]:
        return [answer for _, answer in self._answers.values()]

    def find(self, method: str, path: str) -> list[CannedAnswer]:
        """The answers that fit, those of one app and those that vary least first."""
        fitting = [
            answer
            for pattern, answer in self._answers.values()
            if answer.method == method and pattern.fullmatch(path)
        ]
        return sorted(fitting, key=lambda answer: (answer.app_id is None, answer.path.count("/:")))

    def missed(self, method: str, path: str, *, exists: bool, app_id: str, at: int) -> None:
        miss = self._misses.setdefault((method, path), Miss(method, path, exists))
        miss.count += 1
        miss.at = at
        if app_id and app_id not in miss.app_ids:
            miss.app_ids = [*miss.app_ids, app_id][-20:]
        self._misses.move_to_end((method, path))
        if len(self._misses) > MAX_MISSES:
            self._misses.popitem(last=False)

    def misses(self) -> list[Miss]:
        """The most frequent first."""
        return sorted(self._misses.values(), key=lambda miss: (-miss.exists, -miss.count))

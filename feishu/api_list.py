"""Which APIs the platform has: `apis.txt`, taken from the official SDK.

A line is a method, the kinds of token that the API takes, and its path.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("apis.txt")


@dataclass(frozen=True, slots=True)
class Api:
    """`path` has `:name` for what varies; `tokens` are some of tenant, user, app."""

    method: str
    path: str
    tokens: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def apis() -> tuple[Api, ...]:
    """All of them, by path; some 1,700."""
    lines = (line.split() for line in FILE.read_text(encoding="utf-8").splitlines())
    return tuple(Api(method, path, frozenset(tokens.split(",")) - {"none"}) for method, tokens, path in lines)

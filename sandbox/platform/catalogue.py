"""Which APIs the platform has, imitated here or not: `apis.txt`, taken from the official SDK.

A line is a method, the kinds of token that the API takes, and its path.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("apis.txt")


@dataclass(frozen=True, slots=True)
class Api:
    """`path` has `:name` for what varies; `tokens` are some of tenant, user, app, none."""

    method: str
    path: str
    tokens: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Node:
    """What may follow in a path: names, or anything."""

    named: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    apis: dict[str, Api] = field(default_factory=dict)


def find(method: str, path: str) -> Api | None:
    """The platform's API under a method and a path; where several fit, the one that names more of the path."""
    return next((node.apis[method] for node in _ends(path) if method in node.apis), None)


def exists(path: str) -> bool:
    """Whether the platform has the path, with whatever method."""
    return any(node.apis for node in _ends(path))


def _ends(path: str) -> Iterator[_Node]:
    return _walk(_tree(), path.rstrip("/").split("/")[1:])


def _walk(node: _Node, parts: list[str]) -> Iterator[_Node]:
    if not parts:
        yield node
        return
    first, *rest = parts
    if first in node.named:
        yield from _walk(node.named[first], rest)
    if node.any is not None and first:
        yield from _walk(node.any, rest)


@cache
def _tree() -> _Node:
    root = _Node()
    for line in FILE.read_text(encoding="utf-8").splitlines():
        method, tokens, path = line.split()
        node = root
        for part in path.split("/")[1:]:
            if part.startswith(":"):
                node.any = node = node.any or _Node()
            else:
                node = node.named.setdefault(part, _Node())
        node.apis[method] = Api(method, path, frozenset(tokens.split(",")) - {"none"})
    return root


def covers(api: Api, pattern: str) -> bool:
    """Whether a route with `{name}` for what varies is the one of this API."""
    return _shape(api.path, ":") == _shape(pattern, "{")


def _shape(path: str, mark: str) -> list[Any]:
    return [None if part.startswith(mark) else part for part in path.strip("/").split("/")]

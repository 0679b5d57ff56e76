"""The platform's API under an address, imitated here or not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from feishu.api_list import Api, apis


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
    for api in apis():
        node = root
        for part in api.path.split("/")[1:]:
            if part.startswith(":"):
                node.any = node = node.any or _Node()
            else:
                node = node.named.setdefault(part, _Node())
        node.apis[api.method] = api
    return root


def covers(api: Api, pattern: str) -> bool:
    """Whether a route with `{name}` for what varies is the one of this API."""
    return _shape(api.path, ":") == _shape(pattern, "{")


def _shape(path: str, mark: str) -> list[Any]:
    return [None if part.startswith(mark) else part for part in path.strip("/").split("/")]

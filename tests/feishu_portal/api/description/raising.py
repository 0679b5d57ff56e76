"""Reads in the source which problems an operation can end with: those that the functions make that it leads to."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

PACKAGES = ("feishu_portal.api", "feishu_portal.front")


@dataclass(frozen=True)
class Definition:
    """A function or a class of the API."""

    module: ModuleType
    name: str

    @property
    def label(self) -> str:
        return f"{self.module.__name__.removeprefix('feishu_portal.')}.{self.name}"


@cache
def _nodes(module: ModuleType) -> dict[str, ast.AST]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(module)))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def definition_of(thing: Any) -> Definition | None:
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if not isinstance(module, str) or not module.startswith(PACKAGES) or module not in sys.modules:
        return None
    found = sys.modules[module]
    return Definition(found, name) if name in _nodes(found) else None


def reached(*roots: Any, without: Iterable[str] = ()) -> set[Definition]:
    """The definitions that the roots lead to, themselves included, but for those with these names."""
    left = [one for one in map(definition_of, roots) if one is not None]
    seen: set[Definition] = set()
    while left:
        one = left.pop()
        if one in seen or one.name in without:
            continue
        seen.add(one)
        left += _named_in(one)
    return seen


def _named_in(one: Definition) -> Iterator[Definition]:
    for node in ast.walk(_nodes(one.module)[one.name]):
        if isinstance(node, ast.Name):
            found = definition_of(getattr(one.module, node.id, None))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            holder = getattr(one.module, node.value.id, None)
            found = (
                definition_of(getattr(holder, node.attr, None)) if isinstance(holder, ModuleType) else None
            )
        else:
            continue
        if found is not None:
            yield found


def problems_made(definitions: Iterable[Definition], unwritten: dict[str, set[str]]) -> set[str]:
    """``"409 bot_disabled"`` and so on. ``unwritten`` has those whose status or code is no literal, by the definition's label."""
    made: set[str] = set()
    for one in definitions:
        for node in ast.walk(_nodes(one.module)[one.name]):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
            ):
                continue
            statuses, codes = _values(node.args[0]), _values(node.args[1])
            if statuses and codes:
                made |= {f"{status} {code}" for status in statuses for code in codes}
            else:
                assert one.label in unwritten, f"{one.label}: say which problems {ast.unparse(node)} may be"
                made |= unwritten[one.label]
    return made


def scopes_asked_for(definitions: Iterable[Definition]) -> set[str]:
    """The scopes that the definitions name."""
    return {
        node.attr
        for one in definitions
        for node in ast.walk(_nodes(one.module)[one.name])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Scope"
    }


def _values(node: ast.expr) -> list[Any]:
    """The literals that the expression may be; none where it is something else."""
    match node:
        case ast.Constant(value):
            return [value]
        case ast.IfExp(body=first, orelse=second) if _values(first) and _values(second):
            return [*_values(first), *_values(second)]
        case ast.Attribute(value=ast.Name(id="HTTPStatus"), attr="SERVICE_UNAVAILABLE"):
            return [503]
    return []

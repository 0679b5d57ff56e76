"""Every regular expression of the portal, how it is used, and text that almost matches it again and again."""

import ast
import importlib
import re
import re._constants as codes
import re._parser as parser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.services.processes import PROJECT

ROOTS = ("feishu", "core", "bots", "events", "auth_sessions", "feishu_portal", "sandbox")
MATCHING = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
SEARCHES = {"search"}
"""How validators and declared patterns are applied."""
MOST_REPEATED = 40  # times that a counted repetition is written out
PREFERRED = ("a0- ", "-.a0", " \"'a", "0A_-", "\\/a;", "eE:@")
"""Which character stands for a class of them: the first of these that is in it."""
MOST_PARTS = 9  # of one pattern, that runs of parts are made of


@dataclass(frozen=True)
class Used:
    """A pattern, where it stands, and by which methods text is put to it."""

    where: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]

    def __str__(self) -> str:
        return f"{self.where} {self.pattern.pattern[:40]!r}"


# --- finding them


@cache
def patterns_in(package: str) -> tuple[Used, ...]:
    """Of every module below the package, but migrations, which see no text."""
    return tuple(
        used
        for path in sorted((PROJECT / package).rglob("*.py"))
        if "migrations" not in path.parts and path.name != "__main__.py"
        for used in _patterns_of(path.relative_to(PROJECT))
    )


def _patterns_of(path: Path) -> Iterator[Used]:
    tree = ast.parse((PROJECT / path).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    expressions = [(node, *one) for node in calls if (one := _pattern_in(node)) is not None]
    if not expressions:
        return
    module = _imported(path)
    names = {
        id(node.value): target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for call, expression, methods in expressions:
        where = f"{path}:{call.lineno}"
        used = methods or _methods_of(names.get(id(call), ""), tree)
        yield Used(where, _compiled(expression, call, module, where), frozenset(used))


def _pattern_in(call: ast.Call) -> tuple[ast.expr, set[str]] | None:
    """The pattern that a call names and the methods it is used by; no methods where it is compiled for later."""
    name = ast.unparse(call.func)
    if name == "re.compile":
        return call.args[0], set()
    if name.startswith("re.") and name[3:] in MATCHING:
        return call.args[0], {name[3:]}
    if name.endswith("RegexValidator") or name in {"re_path", "RegexField"}:
        return call.args[0], SEARCHES
    # Of pydantic and msgspec; ours too, where a registration of handlers has a pattern of event types.
    declared = next((word.value for word in call.keywords if word.arg == "pattern"), None)
    if declared is not None and name.rpartition(".")[2] in {"Field", "Path", "Query", "Header", "Meta"}:
        return declared, SEARCHES
    return None


def _methods_of(name: str, tree: ast.AST) -> set[str]:
    """How the module uses the pattern that it gave a name; every way where it does not say."""
    used = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == name
        and node.func.attr in MATCHING
    }
    return used if used and name.startswith("_") else used | {"search", "fullmatch"}


def _imported(path: Path) -> ModuleType:
    parts = path.with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def _compiled(expression: ast.expr, call: ast.Call, module: ModuleType, where: str) -> re.Pattern[Any]:
    flags = next((ast.unparse(word.value) for word in call.keywords if word.arg == "flags"), "")
    if not flags and ast.unparse(call.func) == "re.compile" and len(call.args) > 1:
        flags = ast.unparse(call.args[1])
    try:
        text = eval(ast.unparse(expression), dict(vars(module)))
    except NameError as error:
        if where.partition(":")[0] in MADE_OF_VALUES:
            return re.compile(MADE_OF_VALUES[where.partition(":")[0]])
        raise AssertionError(
            f"{where}: {error}. Compile the pattern in the module, or give an example of it in MADE_OF_VALUES of "
            "tests/project/patterns.py."
        ) from None
    if isinstance(text, re.Pattern):
        return text
    return re.compile(text, eval(flags, dict(vars(module))) if flags else 0)


MADE_OF_VALUES = {"sandbox/world/answers.py": "/open\\-apis/im/v1/[^/]+/things/[^/]+/?"}
"""An example of each pattern that a function makes."""


def addresses() -> Iterator[Used]:
    """The patterns of Django's addresses, converters included."""
    from django.contrib import admin  # noqa: PLC0415 -- Django is set up only now
    from django.urls import URLPattern, get_resolver  # noqa: PLC0415 -- after Django is set up

    admin.autodiscover()

    def below(resolver: Any, prefix: str) -> Iterator[Used]:
        for pattern in resolver.url_patterns:
            route = f"{prefix}{pattern.pattern}"
            if isinstance(pattern, URLPattern):
                yield Used(f"address {route}", pattern.pattern.regex, frozenset(SEARCHES))
            else:
                yield from below(pattern, route)

    unique = {used.pattern.pattern: used for used in below(get_resolver(), "")}
    yield from unique.values()


# --- text that almost matches


@dataclass(frozen=True)
class Nearly:
    """Text that begins to match a pattern over and over and never does: ``run`` repeated behind ``head``."""

    head: str
    run: str
    is_bytes: bool

    def of(self, size: int) -> Any:
        """As str or bytes, with a character at the end that fits nowhere."""
        text = (self.head + self.run * (size // len(self.run) + 1))[:size] + "\x00"
        return text.encode("latin-1", "replace") if self.is_bytes else text


def nearly(pattern: re.Pattern[Any]) -> Iterator[Nearly]:
    is_bytes = isinstance(pattern.pattern, bytes)
    seen: set[tuple[str, str]] = set()
    for preferred in PREFERRED:
        for branch in range(3):
            parts = _merged(
                _parts(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), preferred, branch)
            )
            for head, run in _runs(parts[:MOST_PARTS]):
                if (head, run) not in seen:
                    seen.add((head, run))
                    yield Nearly(head, run, is_bytes)


def _runs(parts: list[str]) -> Iterator[tuple[str, str]]:
    """Any part, or several in a row, and those that come before them."""
    for first in range(len(parts)):
        for last in range(first + 1, len(parts) + 1):
            if run := "".join(parts[first:last]):
                yield "".join(parts[:first]), run


def _merged(parts: Iterable[str]) -> list[str]:
    """With neighbouring single characters together: a word is one part."""
    merged: list[str] = []
    for part in parts:
        if merged and len(part) == 1 and len(merged[-1]) < 12 and merged[-1].isalpha() and part.isalpha():
            merged[-1] += part
        elif part:
            merged.append(part)
    return merged


def _parts(tree: Any, preferred: str, branch: int) -> Iterator[str]:
    """What each step of a parsed pattern matches."""
    for code, value in tree:
        step = _STEPS.get(code)
        if step is not None:
            yield from step(value, preferred, branch)


def _repeat(value: Any, preferred: str, branch: int) -> Iterator[str]:
    least, _most, body = value
    once = "".join(_parts(body, preferred, branch))
    yield once * min(max(least, 1), MOST_REPEATED)


def _choice(value: Any, preferred: str, branch: int) -> Iterator[str]:
    branches = value[1]
    yield from _parts(branches[branch % len(branches)], preferred, branch)


def _one_of(value: Any, preferred: str, _branch: int) -> Iterator[str]:
    is_in = re.compile(f"[{''.join(_written(member) for member in value)}]").match
    yield next((letter for letter in f"{preferred}a0-_. \n\t\"'/\\:;=,{{[<@%é飞" if is_in(letter)), chr(1))


def _written(member: Any) -> str:
    code, value = member
    if code is codes.NEGATE:
        return "^"
    if code is codes.LITERAL:
        return re.escape(chr(value))
    if code is codes.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    return _CATEGORIES[value]


_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_NOT_DIGIT: r"\D", codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S", codes.CATEGORY_WORD: r"\w", codes.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_STEPS: dict[Any, Callable[[Any, str, int], Iterator[str]]] = {
    codes.LITERAL: lambda value, _preferred, _branch: iter([chr(value)]),
    codes.NOT_LITERAL: lambda value, preferred, _branch: iter(
        [next(one for one in preferred if ord(one) != value)]
    ),
    codes.ANY: lambda _value, preferred, _branch: iter([preferred[0]]),
    codes.IN: _one_of,
    codes.BRANCH: _choice,
    codes.SUBPATTERN: lambda value, preferred, branch: _parts(value[3], preferred, branch),
    codes.ATOMIC_GROUP: _parts,
    codes.MAX_REPEAT: _repeat,
    codes.MIN_REPEAT: _repeat,
    codes.POSSESSIVE_REPEAT: _repeat,
    codes.ASSERT: lambda value, preferred, branch: _parts(value[1], preferred, branch),
}
"""Groups that look back, and negative ones, need no text; a group that is referred to again is not written twice."""

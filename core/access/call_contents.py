"""What a call of the proxy says beside its path: the fields of its query and of its JSON body, every one of them; and of
texts that are JSON themselves, as the content of a message is, the fields within.

Two parsers may read a body in two ways, and the platform's is not this one: so names are compared without case, a name that
comes twice counts twice, and a body that is no plain JSON in UTF-8 counts as one that cannot be read. So does one with a text that
looks like JSON, is none to a strict parser, and has escapes: a lenient one may read in it what nobody sees.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

MAX_BODY: Final = 256 * 1024
"""Bytes of a body that is read."""
MAX_SAID: Final = 5_000
"""Values of one that is read."""
MAX_WHERE: Final = 200
"""Characters of the place of a value that are kept, its last ones."""
_RESOURCE: Final = re.compile(r"(?:id|ids|token|tokens|guid|node)$", re.IGNORECASE)
_NO_RESOURCE: Final = frozenset({"client_token", "page_token", "request_id", "uuid"})
"""They tell calls and pages apart, not what is acted on."""
_SOMEBODY: Final = re.compile(r"o[cnu]_[0-9A-Za-z_-]{1,100}|[^\s@]{1,64}@[^\s@]{1,190}\.[^\s@.]{2,63}")
"""A chat or a person, by their id or address, whatever the field is called."""
_UTF_8: Final = frozenset({"charset=utf-8", 'charset="utf-8"', "charset=utf8"})


class Said(NamedTuple):
    """One value: where it stands, as in ``members.0.id``; the name of its field; and the value, a text as it is and the
    rest as JSON. ``is_opened``: it is JSON itself, and what that says comes next, each ``is_within``. ``looks_closed``: it
    begins like JSON, and is none."""

    where: str
    name: str
    value: str
    is_opened: bool = False
    is_within: bool = False
    looks_closed: bool = False


@dataclass(frozen=True, slots=True)
class CallContents:
    """``query`` and ``body`` in the order in which they are sent; ``names`` are those of all members of JSON.
    ``is_whole`` is False where there is a body that cannot be read."""

    query: tuple[Said, ...] = ()
    body: tuple[Said, ...] = field(default=(), repr=False)
    names: frozenset[str] = field(default=frozenset(), repr=False)
    is_whole: bool = True

    @property
    def said(self) -> tuple[Said, ...]:
        return (*self.query, *self.body)

    def of(self, name: str) -> list[Said]:
        """Every field of this name, which is in lower case."""
        return [said for said in self.said if said.name.casefold() == name]

    @property
    def texts(self) -> list[str]:
        """Every text in which a resource could be named."""
        return [*self.names, *(text for said in self.said for text in (said.name, said.value))]

    @property
    def resources(self) -> list[Said]:
        """What the call acts on, as far as the names of its fields and the looks of values tell: ids, tokens and addresses."""
        return [
            said
            for said in self.said
            if said.name.casefold() not in _NO_RESOURCE
            and (_RESOURCE.search(said.name) or _SOMEBODY.fullmatch(said.value))
        ]


def header_of(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The header as a server may read it; several of one name are one list (RFC 9110, 5.3). ``name`` is in lower case."""
    return ", ".join(value for written, value in headers if written.lower() == name)


def read_contents(query: str, body: bytes | None, *, content_type: str, encoding: str = "") -> CallContents:
    """The contents of a call. ``body`` is None for one that is too long to be read; ``encoding`` is its Content-Encoding."""
    names: set[str] = set()
    pairs = parse_qsl(query, keep_blank_values=True)
    try:
        asked = tuple(said for name, value in pairs for said in _text(value, name, name, names))
    except (ValueError, RecursionError):
        return CallContents(tuple(Said(name, name, value) for name, value in pairs), is_whole=False)
    if body == b"":
        return CallContents(asked, names=frozenset(names))
    if body is None or not _is_json(content_type) or encoding.casefold() not in {"", "identity"}:
        return CallContents(asked, is_whole=False)
    try:
        said = []
        for one in _walk(_parsed(body.decode()), "", "", names):
            said.append(one)
            if len(said) > MAX_SAID:
                return CallContents(asked, is_whole=False)
    except (ValueError, RecursionError):
        return CallContents(asked, is_whole=False)
    return CallContents(asked, tuple(said), frozenset(names))


def _is_json(content_type: str) -> bool:
    """In UTF-8: bytes that are JSON there may be another JSON in GBK."""
    kind, *parameters = (part.strip().casefold() for part in content_type.split(";"))
    return kind == "application/json" and {one for one in parameters if one.startswith("charset")} <= _UTF_8


def _parsed(text: str) -> Any:
    """Raises ValueError and RecursionError."""
    parsed = json.loads(text, object_pairs_hook=_Members, parse_constant=_refuse)
    if "\\u" in text:
        json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    return parsed


class _Members(list[tuple[str, Any]]):
    """A JSON object with all that it says."""


def _walk(value: Any, where: str, name: str, names: set[str], *, is_within: bool = False) -> Iterator[Said]:
    inside = f"{where}." if where else ""
    if isinstance(value, _Members) and value:
        for key, one in value:
            names.add(key)
            yield from _walk(one, f"{inside}{key}"[-MAX_WHERE:], key, names, is_within=is_within)
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from _walk(one, f"{inside}{number}"[-MAX_WHERE:], name, names, is_within=is_within)
    elif isinstance(value, list):
        yield Said(where, name, "{}" if isinstance(value, _Members) else "[]", is_within=is_within)
    elif isinstance(value, str):
        yield from _text(value, where, name, names, is_within=is_within)
    else:
        yield Said(where, name, json.dumps(value), is_within=is_within)


def _text(value: str, where: str, name: str, names: set[str], *, is_within: bool = False) -> Iterator[Said]:
    inner, looks_closed = None, False
    if value.lstrip()[:1] in {"{", "["}:
        try:
            inner = _parsed(value)
        except ValueError:
            if "\\" in value:
                raise
            looks_closed = True
    yield Said(where, name, value, is_opened=bool(inner), is_within=is_within, looks_closed=looks_closed)
    if inner:
        yield from _walk(inner, where, name, names, is_within=True)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")

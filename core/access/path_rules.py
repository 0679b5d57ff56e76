"""What an API client may call by the proxy: rules like ``ask POST /open-apis/im/v1/messages receive_id=oc_…``.

The first rule that fits a call decides it; a call that none fits is refused. Where there are no rules, every call is allowed.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from core.access.call_contents import CallContents

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MAX_TOKEN: Final = 200
"""Characters of a resource in a rule."""
_RULE: Final = re.compile(
    r"(?:(?P<effect>[a-z]+) )?(?P<method>\*|[A-Z]+) (?P<path>/open-apis(?:/[^/\s;?#%\\]+)+)"
    rf"(?: (?:(?P<field>[A-Za-z][A-Za-z0-9_]*)=)?(?P<token>[^\s=]{{1,{MAX_TOKEN}}}))?"
)


class Effect(StrEnum):
    """What a rule says of the calls that it fits."""

    ALLOW = "allow"
    ASK = "ask"
    """Each waits until the person it is made for has approved it."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """``method`` may be ``*``; of ``segments`` ``*`` stands for one, ``**`` at the end for any rest. ``token`` is a document,
    folder, chat or table that the call has to name, in the field called ``field`` where there is one; empty for any call."""

    effect: Effect
    method: str
    segments: tuple[str, ...]
    field: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """``effect`` is None where the contents of the call have to be read first. ``rule`` is the one that decides, as it is
    written; empty where none fits."""

    effect: Effect | None
    rule: str = ""


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """``[allow|ask|deny] METHOD PATH [TOKEN|FIELD=TOKEN]``, with one blank between; without the first word it allows.

    Raises ValueError. A rule that allows names the field: what merely stands somewhere in a call opens nothing.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    effect = Effect(match["effect"] or Effect.ALLOW)
    segments = tuple(match["path"].split("/")[1:])
    if match["method"] not in {"*", *METHODS} or "**" in segments[:-1] or {".", ".."} & set(segments):
        raise ValueError(text)
    field, token = (match["field"] or "").casefold(), match["token"] or ""
    if effect is Effect.ALLOW and token and not field:
        raise ValueError(text)
    return Rule(effect, match["method"], segments, field, token)


def judge(
    rules: Collection[str], method: str, segments: Sequence[str], contents: CallContents | None = None
) -> Ruling:
    """What ``rules`` say of a call. Segments are decoded; ``contents`` are None until somebody has read them."""
    if not rules:
        return Ruling(Effect.ALLOW)
    for text in rules:
        rule = parse_rule(text)
        if not _matches(rule, method, segments):
            continue
        if not rule.token:
            return Ruling(rule.effect, text)
        if contents is None:
            return Ruling(None)
        if _names(rule, segments, contents):
            return Ruling(rule.effect, text)
    return Ruling(Effect.DENY)


def may_allow(rules: Collection[str], method: str, segments: Sequence[str | None]) -> bool:
    """Whether ``rules`` let a call through whose segments are these, perhaps once it is approved; None stands for a segment
    that is not known yet."""
    for text in rules:
        rule = parse_rule(text)
        if not _matches(rule, method, segments):
            continue
        if rule.effect is not Effect.DENY:
            return True
        if not rule.token and _is_certain(rule, segments):
            return False
    return not rules


def asks(rules: Collection[str]) -> bool:
    """Whether one of ``rules`` asks for approval."""
    return any(parse_rule(text).effect is Effect.ASK for text in rules)


def opens_nothing(rules: Collection[str]) -> bool:
    """Whether ``rules`` refuse every call, though there are some."""
    return bool(rules) and all(parse_rule(text).effect is Effect.DENY for text in rules)


def _matches(rule: Rule, method: str, segments: Sequence[str | None]) -> bool:
    if rule.method not in {"*", method}:
        return False
    wanted: Sequence[str | None] = rule.segments
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(segments) <= len(wanted):
            return False
        segments = segments[: len(wanted)]
    if rule.effect is not Effect.ALLOW:
        # Whether the platform's addresses have a case is the platform's business: another one opens nothing.
        wanted, segments = _folded(wanted), _folded(segments)
    return len(segments) == len(wanted) and all(
        segment is None or pattern in {"*", segment}
        for pattern, segment in zip(wanted, segments, strict=True)
    )


def _folded(segments: Sequence[str | None]) -> tuple[str | None, ...]:
    return tuple(one and unicodedata.normalize("NFKC", one).casefold() for one in segments)


def _is_certain(rule: Rule, segments: Sequence[str | None]) -> bool:
    """Whether a rule that matches does so whatever the unknown segments turn out to be."""
    compared = zip(rule.segments, segments, strict=False)
    return all(segment is not None or pattern in {"*", "**"} for pattern, segment in compared)


def _names(rule: Rule, segments: Sequence[str], contents: CallContents) -> bool:
    """Whether the call names the rule's resource. What cannot be read counts against the caller: it is nothing that a rule
    allows, and may be what a rule asks about or denies. So does what stands within a text, which may be a stranger's words that
    an agent passes on: it names nothing for a rule that allows. A text that looks like JSON and is none may have any field."""
    closed = [said.value for said in contents.said if said.looks_closed]
    if rule.effect is Effect.ALLOW:
        named = contents.of(rule.field)
        is_named = any(not said.is_within for said in named)
        may_be_named = any(rule.field in text.casefold() for text in closed)
        is_right = is_named and all(said.value == rule.token for said in named)
        return contents.is_whole and is_right and not may_be_named
    if not contents.is_whole:
        return True
    if rule.field:
        return any(
            rule.token in text for text in (*(said.value for said in contents.of(rule.field)), *closed)
        )
    return any(rule.token in text for text in (*segments, *contents.texts))

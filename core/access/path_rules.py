"""Which calls an API client may send by the proxy: rules like ``GET /open-apis/calendar/v4/**``."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RULE = re.compile(r"(\*|[A-Z]+) (/open-apis(?:/[^/\s;?#%\\]+)+)")

Rule = tuple[str, tuple[str, ...]]


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Method (or ``*``) and path, segment by segment: ``*`` stands for one segment, ``**`` at the end for any rest.

    Raises ValueError.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    method, segments = match[1], tuple(match[2].split("/")[1:])
    if method not in {"*", *METHODS} or "**" in segments[:-1] or {".", ".."} & set(segments):
        raise ValueError(text)
    return method, segments


def allows(rules: Collection[str], method: str, segments: Sequence[str]) -> bool:
    """Whether one of ``rules`` allows the call; where there are none, every call is. Segments are decoded."""
    return not rules or any(_matches(parse_rule(rule), method, segments) for rule in rules)


def may_allow(rules: Collection[str], method: str, segments: Sequence[str | None]) -> bool:
    """Whether one of ``rules`` allows a call whose segments are these; None stands for one that is not known yet."""
    return not rules or any(_matches(parse_rule(rule), method, segments) for rule in rules)


def _matches(rule: Rule, method: str, segments: Sequence[str | None]) -> bool:
    wanted_method, wanted = rule
    if wanted_method not in {"*", method}:
        return False
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(segments) <= len(wanted):
            return False
        segments = segments[: len(wanted)]
    return len(segments) == len(wanted) and all(
        segment is None or pattern in {"*", segment}
        for pattern, segment in zip(wanted, segments, strict=True)
    )

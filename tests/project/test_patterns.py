"""No regular expression takes more than linear time, whoever writes the text.

One that tries again at every character of a long text holds the process with all its requests.
"""

import re
import time
from collections.abc import Callable
from heapq import nlargest
from typing import Any

import pytest

from tests.project.patterns import ROOTS, Used, addresses, nearly, patterns_in

pytestmark = pytest.mark.timeout(600)
SAMPLE, LONG = 4_000, 100_000
FLOOR = 0.005
"""Seconds of the processor below which nothing is compared: noise, and harmless."""
GROWTH = 10
"""Times that four times the text may take: 4 where work is linear, 16 where it is quadratic."""
SLOWEST = 3  # texts of a pattern that are tried at full length


def seconds(apply: Callable[[Any], Any], text: Any, *, times: int = 1) -> float:
    """Of the processor, the best of several."""
    measured = []
    for _ in range(times):
        before = time.thread_time()
        apply(text)
        measured.append(time.thread_time() - before)
    return min(measured)


def application(used: Used, method: str) -> Callable[[Any], Any]:
    if method in {"sub", "subn"}:
        empty = b"" if isinstance(used.pattern.pattern, bytes) else ""
        return lambda text: getattr(used.pattern, method)(empty, text)
    if method == "finditer":
        return lambda text: list(used.pattern.finditer(text))
    return getattr(used.pattern, method)


def growth_of(used: Used, *, length: int = LONG) -> str:
    """The first text that takes more than linear time; empty where none does."""
    for method in sorted(used.methods):
        apply = application(used, method)
        slowest = nlargest(
            SLOWEST, nearly(used.pattern), key=lambda text, apply=apply: seconds(apply, text.of(SAMPLE))
        )
        for text in slowest:
            many = seconds(apply, text.of(length))
            if many <= GROWTH * FLOOR:
                continue
            short = text.of(length // 4)
            few = max(seconds(apply, short, times=3), FLOOR)
            if many > GROWTH * few:  # once may be a machine that stood still
                many = seconds(apply, text.of(length), times=2)
            if many > GROWTH * few:
                return f"{used.where} by {method}: {few:.3f} s for {short[:60]!r}…, {many:.3f} s for four times as much"
    return ""


@pytest.mark.parametrize("package", ROOTS)
def test_patterns_take_linear_time(package: str) -> None:
    faults = [fault for used in patterns_in(package) if (fault := growth_of(used))]
    assert not faults, "\n".join(faults)


def test_addresses_are_matched_in_linear_time() -> None:
    faults = [fault for used in addresses() if (fault := growth_of(used))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("pattern", "length"),
    [(r"\beyJ[\w-]{8,}\.[\w-]{4,}", 20_000), (r'"[^"]*(?:secret|token)[^"]*"\s*:', 40_000)],
)
def test_pattern_that_is_worse_would_be_found(pattern: str, length: int) -> None:
    """At lengths at which it takes a few tenths of a second."""
    assert growth_of(Used("here", re.compile(pattern), frozenset({"search"})), length=length)


def test_every_kind_of_place_is_looked_at() -> None:
    found = {used.where.partition(":")[0] for package in ROOTS for used in patterns_in(package)}
    assert {
        "core/vault/redaction.py", "bots/models/bots.py", "feishu_portal/api/messages.py", "feishu/numbers.py",
    } <= found  # fmt: skip
    assert len([*addresses()]) > 50

"""One visit to the database: calls admitted, and written down by the time it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError

from auth_sessions.domain.tokens.optimistic_audit import Evidence, record_calls_if_unchanged
from auth_sessions.domain.tokens.uses import record_calls
from auth_sessions.models import UserToken
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import Admitted, Asked, admit
from feishu_portal.api.proxy.admission_rows import Lookups, Memory

Result = Admitted | UserToken | Exception


@dataclass(frozen=True, slots=True)
class Asking:
    """A call on its way to the database."""

    asked: Asked
    may_wait: bool


def admit_all(askings: Sequence[Asking], memory: Memory) -> list[Result]:
    """For each call what `admit` says of it, or raises; those that are admitted are written down when this returns.

    A call like one before takes a single statement; the others are looked up.
    """
    results: list[Result | None] = _as_before(askings, memory)
    lookups, looked_up = Lookups(), []
    for number, asking in enumerate(askings):
        if results[number] is None:
            results[number] = result = _result(asking, lookups)
            if isinstance(result, Admitted):
                looked_up.append((asking.asked, result))
    record_calls([admitted.use for _asked, admitted in looked_up])
    for asked, admitted in looked_up:
        memory.learn(asked, admitted)
    return [result for result in results if result is not None]


def _result(asking: Asking, lookups: Lookups) -> Result:
    try:
        return admit(asking.asked, lookups, may_wait=asking.may_wait)
    except (Problem, DataError) as error:
        return error


def _as_before(askings: Sequence[Asking], memory: Memory) -> list[Result | None]:
    """The calls that the rows remembered admit, and that are written down because those rows have not changed."""
    results: list[Result | None] = [None] * len(askings)
    believed: list[tuple[int, Admitted, Evidence]] = []
    for number, asking in enumerate(askings):
        remembered = memory.of(asking.asked)
        if remembered is None:
            continue
        try:
            admitted = admit(asking.asked, remembered, may_wait=asking.may_wait)
        except Problem:
            continue  # the rows as they are now may say otherwise
        if isinstance(admitted, Admitted):
            believed.append((number, admitted, remembered.evidence))
    if not believed:
        return results
    written = record_calls_if_unchanged([(admitted.use, evidence) for _, admitted, evidence in believed])
    for (number, admitted, _evidence), is_written in zip(believed, written, strict=True):
        if is_written:
            results[number] = admitted
        else:
            memory.forget(askings[number].asked)
    return results

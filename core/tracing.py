"""Traces: what the work on one event or one request took, step by step, across processes. Without a tracer none is kept.

`feishu_portal.runtime.tracing` sets one where an operator has installed OpenTelemetry and named a collector. Nothing else of
the portal knows OpenTelemetry, and a portal without it does not load it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, Protocol, Self
from uuid import UUID


class Side(Enum):
    """Which end of a conversation a span is of; the values are OpenTelemetry's kinds."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    CONSUMER = "CONSUMER"
    PRODUCER = "PRODUCER"


@dataclass(frozen=True, slots=True)
class Origin:
    """The first span of an event's trace. Its ids are made of what tells the event from others, so that no row has to keep
    them: listener, workers and a replay agree on them."""

    trace_id: int
    span_id: int

    @classmethod
    def of_event(cls, bot_id: UUID, dedupe_key: str) -> Self:
        digest = blake2b(bot_id.bytes + dedupe_key.encode(), digest_size=24).digest()
        return cls(int.from_bytes(digest[:16]), int.from_bytes(digest[16:]))


class Span(Protocol):
    """One step that is under way."""

    def rename(self, name: str) -> None:
        """Its name comes to be known only now."""

    def add(self, facts: Mapping[str, Any]) -> None:
        """Facts that come to be known meanwhile."""

    def fail(self, description: str) -> None:
        """The step failed, and raised nothing."""


class Tracer(Protocol):
    """Who keeps spans. Its methods may be called on any thread, and neither raise nor wait."""

    def span(
        self,
        name: str,
        side: Side,
        *,
        origin: Origin | None,
        headers: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> AbstractContextManager[Span]: ...

    def note_origin(
        self, origin: Origin, name: str, *, began: datetime, facts: Mapping[str, Any]
    ) -> None: ...

    def note_call(self, name: str, *, seconds: float, facts: Mapping[str, Any], failure: str) -> None: ...

    def headers(self) -> Mapping[str, str]: ...


class _NoSpan:
    def rename(self, name: str) -> None: ...

    def add(self, facts: Mapping[str, Any]) -> None: ...

    def fail(self, description: str) -> None: ...


NO_SPAN: Final[AbstractContextManager[Span]] = nullcontext(_NoSpan())
"""A step that nobody keeps."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_tracer: Tracer | None = None


def set_tracer(tracer: Tracer | None) -> None:
    """For the whole process."""
    global _tracer  # noqa: PLW0603 -- one for the process
    _tracer = tracer


def is_tracing() -> bool:
    """Whether somebody keeps spans: ask before making facts for many of them."""
    return _tracer is not None


def span(
    name: str,
    side: Side,
    *,
    origin: Origin | None = None,
    headers: Mapping[str, str] = _NOTHING,
    facts: Mapping[str, Any] = _NOTHING,
) -> AbstractContextManager[Span]:
    """The step that the block does, below the one that is under way. What it raises is kept by its class alone.

    ``origin``: below this one instead, which another process may have begun. ``headers``: of a request, whose caller may
    trace as well (``traceparent``, W3C Trace Context).
    """
    if _tracer is None:
        return NO_SPAN
    return _tracer.span(name, side, origin=origin, headers=headers, facts=facts)


def note_origin(origin: Origin, name: str, *, began: datetime, facts: Mapping[str, Any] = _NOTHING) -> None:
    """The first step of an event's trace, which ends now."""
    if _tracer is not None:
        _tracer.note_origin(origin, name, began=began, facts=facts)


def note_call(name: str, *, seconds: float, failure: str = "", facts: Mapping[str, Any] = _NOTHING) -> None:
    """A call of ours that took ``seconds`` and ends now, below the step that is under way."""
    if _tracer is not None:
        _tracer.note_call(name, seconds=seconds, facts=facts, failure=failure)


def outgoing_headers() -> Mapping[str, str]:
    """What tells a receiver of ours which trace its request belongs to; nothing where none is kept."""
    return {} if _tracer is None else _tracer.headers()

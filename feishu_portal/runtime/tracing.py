"""Traces by OpenTelemetry: one from the frame to the handlers and the calls they make. For operators who have installed the
extra ``feishu-portal[opentelemetry]`` and set ``OTEL_EXPORTER_OTLP_ENDPOINT``; OpenTelemetry reads its other ``OTEL_``
variables by itself.

No span holds a path, a query, a payload or the text of an exception: each may be a secret.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from structlog.contextvars import bound_contextvars

from core import __version__, tracing
from core.tracing import Origin, Side
from feishu import observation
from feishu.observation import PlatformCall

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OTelSpan
    from opentelemetry.trace import SpanContext

logger = logging.getLogger(__name__)

INSTRUMENTATION: Final = "feishu_portal"
NOT_INSTALLED: Final = "pip install 'feishu-portal[opentelemetry]'"


def begin_tracing(program: str) -> None:
    """Once, before the process serves or forks. ``program``: as in `begin_observing`."""
    if not settings.OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- an extra
    except ImportError:
        logger.warning("tracing_not_installed", extra={"install": NOT_INSTALLED})
        return
    provider = provider_of(program)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.OTLP_ENDPOINT}/v1/traces")))
    keep_traces(provider)


def provider_of(program: str) -> "TracerProvider":
    """Spans of this process, with ids that `Origin` may choose, sampled as ``OTEL_TRACES_SAMPLER`` says."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 -- an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- an extra

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence.
    ours = {"service.name": "feishu-portal", "service.version": __version__, "feishu_portal.process": program}
    return TracerProvider(resource=Resource(ours).merge(OTELResourceDetector().detect()), id_generator=_ids())


def keep_traces(provider: "TracerProvider") -> None:
    """From now on spans of the whole process go to ``provider``."""
    tracing.set_tracer(_Tracer(provider))


def note_platform_call(call: PlatformCall) -> None:
    """A call to the platform ended: a step of whatever made it, on the same thread or task."""
    if not tracing.is_tracing():
        return
    tracing.note_call(
        call.api,
        seconds=call.seconds,
        failure="" if call.code == 0 else call.outcome,
        facts={"feishu.app_id": call.app_id, "feishu.api": call.api, "feishu.code": call.outcome},
    )


observation.listen(note_platform_call)


class _Span:
    def __init__(self, span: "OTelSpan") -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def add(self, facts: Mapping[str, Any]) -> None:
        self._span.set_attributes({name: _attribute(value) for name, value in facts.items()})

    def fail(self, description: str) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 -- an extra

        self._span.set_status(Status(StatusCode.ERROR, description))


class _Tracer:
    """See `core.tracing.Tracer`."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415 -- an extra
        from opentelemetry.context import Context  # noqa: PLC0415 -- an extra
        from opentelemetry.sdk.trace.sampling import Decision  # noqa: PLC0415 -- an extra
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 -- an extra
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._nothing = Context()
        self._propagator = TraceContextTextMapPropagator()
        self._sampler = provider.sampler
        self._kept = Decision.RECORD_AND_SAMPLE
        self._tracer = provider.get_tracer(INSTRUMENTATION, __version__)

    @contextmanager
    def span(
        self,
        name: str,
        side: Side,
        *,
        origin: Origin | None,
        headers: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> Iterator[_Span]:
        above = self._below_caller(headers) if headers else None
        if origin is not None:
            above = self._below(self._trace.SpanContext(origin.trace_id, origin.span_id, is_remote=True))
        with self._tracer.start_as_current_span(
            name,
            context=above,
            kind=self._trace.SpanKind[side.value],
            attributes={key: _attribute(value) for key, value in facts.items()},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            ours = _Span(span)
            with bound_contextvars(trace=f"{span.get_span_context().trace_id:032x}"):
                try:
                    yield ours
                except BaseException as error:
                    ours.fail(type(error).__name__)
                    raise

    def note_origin(self, origin: Origin, name: str, *, began: datetime, facts: Mapping[str, Any]) -> None:
        with _chosen(origin):
            span = self._tracer.start_span(
                name,
                context=self._nothing,
                kind=self._trace.SpanKind.CONSUMER,
                attributes={key: _attribute(value) for key, value in facts.items()},
                start_time=int(began.timestamp() * 1e9),
            )
        span.end()

    def note_call(self, name: str, *, seconds: float, facts: Mapping[str, Any], failure: str) -> None:
        now = time_ns()
        span = self._tracer.start_span(
            name,
            kind=self._trace.SpanKind.CLIENT,
            attributes={key: _attribute(value) for key, value in facts.items()},
            start_time=now - int(seconds * 1e9),
        )
        if failure:
            _Span(span).fail(failure)
        span.end(end_time=now)

    def headers(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def _below_caller(self, headers: Mapping[str, str]) -> Any:
        """The context of a request's step in its caller's trace. Whether it is kept is decided here, neither by the flag nor by
        the id that the caller sent: a stranger could have every request kept. None without a trace of the caller's."""
        context = self._propagator.extract(headers, context=self._nothing)
        caller = self._trace.get_current_span(context).get_span_context()
        return self._below(caller, decided_by=_random_trace_id()) if caller.is_valid else None

    def _below(self, first: "SpanContext", *, decided_by: int | None = None) -> Any:
        """The context of a step below another one. Whether it is kept follows from an id: by default that of the trace, so that
        every process decides alike about an event."""
        trace = self._trace
        trace_id = first.trace_id if decided_by is None else decided_by
        kept = self._sampler.should_sample(None, trace_id, "").decision is self._kept
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if kept else trace.TraceFlags.DEFAULT)
        above = trace.SpanContext(
            first.trace_id, first.span_id, is_remote=True, trace_flags=flags, trace_state=first.trace_state
        )
        return trace.set_span_in_context(trace.NonRecordingSpan(above), self._nothing)


_choice = threading.local()


@contextmanager
def _chosen(origin: Origin) -> Iterator[None]:
    """The span that the block starts has the ids of ``origin``."""
    _choice.origin = origin
    try:
        yield
    finally:
        _choice.origin = None


def _random_trace_id() -> int:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415 -- an extra

    return RandomIdGenerator().generate_trace_id()


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415 -- an extra

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            origin: Origin | None = getattr(_choice, "origin", None)
            return super().generate_trace_id() if origin is None else origin.trace_id

        def generate_span_id(self) -> int:
            origin: Origin | None = getattr(_choice, "origin", None)
            return super().generate_span_id() if origin is None else origin.span_id

    return Ids()


def _attribute(value: Any) -> str | bool | int | float:
    return value if isinstance(value, str | bool | int | float) else str(value)

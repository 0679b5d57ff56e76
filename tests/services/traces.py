"""The traces that this process keeps, for tests to read."""

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from core import tracing
from feishu_portal.runtime.tracing import keep_traces, provider_of


class Traces:
    """Kept from now until ``close``; spans are OpenTelemetry's own."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = provider_of("web")
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        keep_traces(self._provider)

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        [found] = [span for span in self.all() if span.name == name]
        return found

    def close(self) -> None:
        tracing.set_tracer(None)
        self._provider.shutdown()


def parent_of(span: ReadableSpan) -> int | None:
    """The id of the step above."""
    return span.parent and span.parent.span_id

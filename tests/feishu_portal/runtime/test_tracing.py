"""What OpenTelemetry keeps, and where it goes; tests/events/test_traces.py has the trace of an event."""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from opentelemetry.trace import StatusCode

from core import tracing
from core.tracing import Origin, Side
from feishu.errors import FeishuError
from feishu.observation import observed
from feishu_portal.runtime.tracing import begin_tracing
from tests.events.handler_runs import until
from tests.services.collector import collecting

SECRET = "t-0123456789abcdefghijklmnop"


@pytest.mark.parametrize("share", ["0", "1"])
def test_all_processes_keep_the_same_events(monkeypatch, share, request):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    traces = request.getfixturevalue("traces")
    origin = Origin.of_event(UUID(int=1), "om_1")
    tracing.note_origin(origin, "receive", began=datetime.now(UTC))
    with tracing.span("handle", Side.CONSUMER, origin=origin):
        tracing.note_call("im/v1/messages", seconds=0.1)
    assert len(traces.all()) == 3 * int(share)


@pytest.mark.parametrize("share", ["0", "1"])
@pytest.mark.parametrize("flag", ["00", "01"])
def test_a_caller_does_not_decide_whether_its_request_is_kept(monkeypatch, share, flag, request):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    traces = request.getfixturevalue("traces")
    with tracing.span("GET", Side.SERVER, headers={"traceparent": f"00-{'0' * 31}1-{'2' * 16}-{flag}"}):
        tracing.note_call("im/v1/messages", seconds=0.1)
    assert [span.context.trace_id for span in traces.all()] == [1] * 2 * int(share)


def test_a_request_whose_caller_keeps_no_trace_begins_one(traces):
    for headers in ({}, {"traceparent": "nonsense"}):
        with tracing.span("GET", Side.SERVER, headers=headers):
            pass
    assert [span.parent for span in traces.all()] == [None, None]


def test_operators_name_the_service_themselves(monkeypatch, request):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bots-of-shanghai")
    traces = request.getfixturevalue("traces")
    tracing.note_call("im/v1/messages", seconds=0.1)
    attributes = traces.one("im/v1/messages").resource.attributes
    assert (attributes["service.name"], attributes["feishu_portal.process"]) == ("bots-of-shanghai", "web")


def test_a_call_that_the_platform_refused_has_its_code_and_not_its_words(traces):
    with pytest.raises(FeishuError), observed("cli_1", "/open-apis/im/v1/messages?token=x"):
        raise FeishuError(SECRET, code=230002)
    span = traces.one("im/v1/messages")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "230002")
    assert SECRET not in span.to_json()
    assert span.end_time >= span.start_time


def test_what_a_step_raises_is_kept_by_its_class_alone(traces):
    with pytest.raises(ValueError, match=SECRET), tracing.span("deliver", Side.PRODUCER):
        raise ValueError(SECRET)
    span = traces.one("deliver")
    assert span.status.description == "ValueError"
    assert SECRET not in span.to_json()


class TestStart:
    @pytest.fixture(autouse=True)
    def untraced_afterwards(self) -> Iterator[None]:
        yield
        tracing.set_tracer(None)

    def test_spans_go_to_the_collector_that_is_set(self, settings, monkeypatch):
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        with collecting() as collector:
            settings.OTLP_ENDPOINT = f"http://{collector.address}"
            begin_tracing("worker")
            tracing.note_call("im/v1/messages", seconds=0.1)
            until(lambda: collector.posted, "spans that arrived")
            [(path, body)] = collector.posted
        assert path == "/v1/traces"
        assert b"feishu-portal" in body
        assert b"worker" in body

    def test_without_a_collector_opentelemetry_is_not_asked(self, settings):
        settings.OTLP_ENDPOINT = ""
        begin_tracing("web")
        assert not tracing.is_tracing()

    def test_where_the_extra_is_missing_one_line_says_what_to_install(self, settings, monkeypatch, caplog):
        caplog.set_level(logging.WARNING)
        settings.OTLP_ENDPOINT = "http://127.0.0.1:9"
        monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
        begin_tracing("web")
        assert not tracing.is_tracing()
        [line] = caplog.records
        assert line.getMessage() == "tracing_not_installed"
        assert "feishu-portal[opentelemetry]" in line.install

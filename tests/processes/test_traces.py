"""One trace, kept by three processes: the listener's frame, the handler of a prefork worker, the call that it makes."""

import json
import uuid

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.services.collector import Collector, collecting
from tests.services.platform import APP_ID

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

HANDLERS = """
from events import on
from feishu.observation import observed

@on("test.traced_v1", name="traced")
def traced(event, bot):
    with observed(bot.app_id, "/open-apis/im/v1/messages"):
        pass
"""


def spans(collector: Collector) -> dict[str, object]:
    """By name."""
    found = {}
    for _path, body in list(collector.posted):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            process = {item.key: item.value.string_value for item in resource.resource.attributes}
            for scope in resource.scope_spans:
                found |= {one.name: (one, process["feishu_portal.process"]) for one in scope.spans}
    return found


def test_an_events_trace_goes_from_the_listener_to_the_call_of_a_handler(
    managed_process, environment, bot, sandbox, tmp_path
):
    (tmp_path / "traced.py").write_text(HANDLERS)
    with collecting() as collector:
        values = environment | {
            "FEISHU_HANDLERS": "traced",
            "PYTHONPATH": str(tmp_path),
            "FEISHU_SWEEP_SECONDS": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        listener = managed_process("manage.py", "runfeishu", environment=values)
        worker = managed_process(
            "-m", "celery", "-A", "feishu_portal", "worker", "--pool", "prefork", "--concurrency", "1",
            environment=values,
        )  # fmt: skip
        listener.wait_for("connection_up")
        header = {"event_id": uuid.uuid4().hex, "event_type": "test.traced_v1", "app_id": APP_ID}
        sandbox.push(count=1, raw=json.dumps({"schema": "2.0", "header": header, "event": {}}))
        names = {"receive test.traced_v1", "handle traced", "im/v1/messages"}
        worker.wait_until(lambda: names <= spans(collector).keys(), what="spans of the event")
        found = spans(collector)
        (received, by), (handled, in_worker), (called, _) = (
            found["receive test.traced_v1"],
            found["handle traced"],
            found["im/v1/messages"],
        )
        assert (by, in_worker) == ("runfeishu", "worker")
        assert received.trace_id == handled.trace_id == called.trace_id
        assert (handled.parent_span_id, called.parent_span_id) == (received.span_id, handled.span_id)
        for process in (listener, worker):
            process.stop()

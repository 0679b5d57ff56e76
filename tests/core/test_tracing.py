from datetime import UTC, datetime
from uuid import UUID

import pytest

from core import tracing
from core.tracing import Origin, Side

BOT = UUID(int=7)


def test_an_event_has_the_same_trace_in_every_process():
    assert Origin.of_event(BOT, "om_1") == Origin.of_event(BOT, "om_1")


@pytest.mark.parametrize("other", [(UUID(int=8), "om_1"), (BOT, "om_2")])
def test_another_event_has_another_trace(other):
    ours, theirs = Origin.of_event(BOT, "om_1"), Origin.of_event(*other)
    assert ours.trace_id != theirs.trace_id
    assert ours.span_id != theirs.span_id


def test_ids_have_the_size_that_opentelemetry_asks_for():
    origin = Origin.of_event(BOT, "om_1")
    assert 0 < origin.trace_id < 1 << 128
    assert 0 < origin.span_id < 1 << 64


def test_without_a_tracer_nothing_is_kept_and_no_receiver_hears_of_a_trace():
    assert not tracing.is_tracing()
    with tracing.span("handle greet", Side.CONSUMER, facts={"attempt": 1}) as step:
        step.rename("other")
        step.add({"attempt": 2})
        step.fail("raised")
    tracing.note_origin(Origin.of_event(BOT, "om_1"), "receive", began=datetime.now(UTC))
    tracing.note_call("im/v1/messages", seconds=0.1)
    assert tracing.outgoing_headers() == {}


def test_what_a_step_without_a_tracer_raises_goes_on():
    with pytest.raises(KeyError), tracing.span("handle greet", Side.CONSUMER):
        raise KeyError

"""The trace of an event: its way in, its handlers below, and below them the calls they make."""

import asyncio
import json

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from structlog.contextvars import get_contextvars

from core.tracing import Origin
from events.enums import Arrived
from events.handling import registry
from events.ingress import writer
from events.ingress.incoming import read_event
from events.ingress.writer import Intake
from events.traces import delivering
from feishu.observation import observed
from tests.events.handler_runs import fanned_out, handle, stored_event
from tests.factories import make_bot, make_subscription, message_event
from tests.services.traces import parent_of

pytestmark = pytest.mark.django_db

SECRET = "t-0123456789abcdefghijklmnop"


@pytest.mark.django_db(transaction=True)
async def test_its_first_step_ends_with_its_commit(database, monkeypatch, traces):
    monkeypatch.setattr(writer, "notify_worker", lambda: True)
    bot = await database.run(make_bot)
    incoming = read_event(
        bot_id=bot.pk,
        payload=json.dumps(message_event(message_id="om_7")).encode(),
        arrived_by=Arrived.WEBSOCKET,
        trace_id="log-1",
    )
    async with Intake() as intake:
        await intake.submit(incoming)
        await intake.submit(incoming)  # pushed again
    span = traces.one("receive im.message.receive_v1")
    origin = Origin.of_event(bot.pk, incoming.dedupe_key)
    assert (span.context.trace_id, span.context.span_id) == (origin.trace_id, origin.span_id)
    assert span.parent is None
    assert span.start_time == int(incoming.received_at.timestamp() * 1e9)
    assert span.attributes["feishu.log_id"] == "log-1"


def test_handlers_and_what_they_call_are_below_it(own_handlers, traces):
    @registry.on("im.message.receive_v1", name="greet")
    def greet(event, bot):
        with observed("cli_1", "https://open.feishu.cn/open-apis/im/v1/messages?receive_id=ou_1"):
            pass

    event = handle(stored_event())
    origin = Origin.of_event(event.bot_id, event.dedupe_key)
    handled, called = traces.one("handle greet"), traces.one("im/v1/messages")
    assert handled.context.trace_id == called.context.trace_id == origin.trace_id
    assert parent_of(handled) == origin.span_id
    assert parent_of(called) == handled.context.span_id
    assert (handled.kind, called.kind) == (SpanKind.CONSUMER, SpanKind.CLIENT)
    assert called.attributes["feishu.code"] == "0"


def test_calls_of_async_handlers_are_below_them_as_well(own_handlers, traces):
    @registry.on("im.message.receive_v1", name="greet", atomic=False)
    async def greet(event, bot):
        with observed("cli_1", "/open-apis/im/v1/messages"):
            await asyncio.sleep(0)

    handle(stored_event())
    assert parent_of(traces.one("im/v1/messages")) == traces.one("handle greet").context.span_id


def test_an_attempt_that_failed_says_how_and_not_with_which_words(own_handlers, traces):
    @registry.on("im.message.receive_v1", name="greet")
    def greet(event, bot):
        raise ValueError(SECRET)

    handle(stored_event())
    span = traces.one("handle greet")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "raised")
    assert SECRET not in span.to_json()


def test_lines_that_a_handler_logs_name_its_trace(own_handlers, traces):
    @registry.on("im.message.receive_v1", name="greet")
    def greet(event, bot):
        own_handlers.append(get_contextvars()["trace"])

    event = handle(stored_event())
    assert own_handlers == [f"{Origin.of_event(event.bot_id, event.dedupe_key).trace_id:032x}"]


def test_a_delivery_is_below_its_event(traces):
    bot = make_bot()
    make_subscription(bot)
    [delivery] = fanned_out(stored_event(bot=bot))
    with delivering(delivery) as step:
        step.fail("HTTP 503")
    origin, span = Origin.of_event(bot.pk, delivery.event.dedupe_key), traces.one("deliver")
    assert (span.context.trace_id, parent_of(span)) == (origin.trace_id, origin.span_id)
    assert span.status.description == "HTTP 503"

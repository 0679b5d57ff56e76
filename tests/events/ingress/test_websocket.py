import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from django.db import OperationalError

from events.clicks.responder import BUDGET, CallbackLane
from events.ingress.inbox import Stored
from events.ingress.incoming import Arrival
from events.ingress.websocket import GatewaySink
from events.ingress.writer import Intake
from feishu.long_connection.messages import Message
from tests.factories import click_event, message_event


class Inbox:
    """An intake whose answer the test decides."""

    def __init__(self, answer: Stored | Exception, *, is_full: bool = False) -> None:
        self.answer = answer
        self.is_full = is_full

    def put(self, arrival: Arrival, told: Callable[[Stored | Exception], None]) -> None:
        assert not self.is_full
        told(self.answer)

    async def submit(self, arrival: Arrival) -> Stored:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Lane:
    def __init__(self) -> None:
        self.budget = 0.0

    async def answer(self, event_pk: int, arrival: Arrival, *, budget: float) -> bytes:
        self.budget = budget
        return json.dumps({"answered": event_pk}).encode()


async def push(
    payload, answer, *, lane: Lane | None = None, age: float = 0.0, is_full: bool = False
) -> tuple[int, bytes | None]:
    inbox = Inbox(answer, is_full=is_full)
    sink = GatewaySink(cast("Intake", inbox), cast("CallbackLane", lane or Lane()))
    arrived = SimpleNamespace(
        payload=json.dumps(payload).encode(), trace_id="t", received_at=time.monotonic() - age
    )
    reply = await sink("bot", cast("Message", arrived))
    return reply.code, reply.data


async def test_stored_event_is_acked():
    assert await push(message_event(), Stored(1)) == (200, None)


async def test_duplicate_is_acked():
    assert await push(message_event(), Stored(None)) == (200, None)


@pytest.mark.parametrize("is_full", [False, True])
async def test_event_that_cannot_be_stored_is_refused_so_that_it_comes_again(is_full):
    assert await push(message_event(), OperationalError(), is_full=is_full) == (500, None)


async def test_fault_of_our_own_reaches_whoever_waits():
    with pytest.raises(RuntimeError, match="ours"):
        await push(message_event(), RuntimeError("ours"))


async def test_event_that_finds_the_queue_full_waits_for_its_place():
    assert await push(message_event(), Stored(1), is_full=True) == (200, None)


async def test_click_is_answered_by_the_callback_lane():
    assert await push(click_event(value={}), Stored(7)) == (200, b'{"answered": 7}')


async def test_time_that_storing_took_is_taken_off_the_time_for_the_answer():
    lane = Lane()
    await push(click_event(value={}), Stored(7), lane=lane, age=2.0)
    assert lane.budget <= BUDGET - 2.0


async def test_click_that_came_before_is_answered_with_nothing():
    assert await push(click_event(value={}), Stored(None)) == (200, b"{}")


@pytest.mark.parametrize("payload", [[], "text", None])
async def test_unreadable_event_is_acked(payload):
    assert await push(payload, Stored(1)) == (200, None)

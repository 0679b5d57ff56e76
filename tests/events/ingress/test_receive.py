"""Store, commit, answer: the same for events of both transports, and in time for callbacks whatever the database does."""

import asyncio
import json
import time
from uuid import uuid4

import pytest
from django.db import OperationalError

from core.background.retry import RetrySchedule
from events.clicks.answers import CLICKED_BEFORE, FAILED, PROCESSING
from events.enums import Arrived
from events.ingress import receive
from events.ingress.incoming import IncomingEvent, read_event
from events.ingress.receive import ACKNOWLEDGED, BUDGET, NOT_STORED, Receiver
from events.ingress.store_once import Stored
from feishu.long_connection.messages import Reply
from tests.core.metrics.scraping import value
from tests.factories import click_event, message_event
from tests.services.processes import PATIENCE


class FakeIntake:
    """Its answers are the test's, in order; the last one repeats. A future is waited for."""

    def __init__(self, *answers, is_full: bool = False) -> None:
        self.answers = list(answers)
        self.is_full = is_full
        self.submitted = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_exc): ...

    def put(self, _event, on_written) -> None:
        assert not self.is_full
        on_written(self.answers[0])

    async def submit(self, _event) -> Stored:
        self.submitted += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, asyncio.Future):
            return await asyncio.shield(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeResponder:
    def __init__(self) -> None:
        self.deadline = 0.0
        self.handed_over: list[int] = []

    async def answer(self, event_pk, _event, *, deadline) -> bytes:
        self.deadline = deadline
        return json.dumps({"answered": event_pk}).encode()

    def hand_over(self, event_pk) -> None:
        self.handed_over.append(event_pk)

    async def close(self) -> None: ...


def event(payload) -> IncomingEvent:
    return read_event(bot_id=uuid4(), payload=json.dumps(payload).encode(), arrived_by=Arrived.WEBSOCKET)


MESSAGE = event(message_event())
CLICK = event(click_event(value={"action": "approve"}))
SINGLE_USE_CLICK = event(click_event(value={"action": "approve", "once": True}))
PREVIEW = event(
    {"schema": "2.0", "header": {"event_type": "url.preview.get", "event_id": "preview"}, "event": {}}
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(receive, "LATE_RETRIES", RetrySchedule((0.001, 0.001)))


@pytest.fixture
def responder() -> FakeResponder:
    return FakeResponder()


async def reply_to(event, intake, responder, *, age: float = 0.0) -> Reply:
    """The reply of a receiver that is closed behind it, with whatever it still had to do."""
    async with Receiver(intake, responder) as receiver:
        return await receiver.receive(event, received_at=time.monotonic() - age)


# --- events


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("stored", [Stored(1), Stored(None)], ids=["new", "duplicate"])
async def test_stored_event_is_acknowledged(responder, stored, is_full):
    assert await reply_to(MESSAGE, FakeIntake(stored, is_full=is_full), responder) == ACKNOWLEDGED


@pytest.mark.parametrize("is_full", [False, True])
async def test_event_that_cannot_be_stored_is_refused_so_that_it_comes_again(responder, is_full):
    intake = FakeIntake(OperationalError(), is_full=is_full)
    assert await reply_to(MESSAGE, intake, responder) == NOT_STORED


async def test_fault_of_our_own_reaches_the_caller(responder):
    with pytest.raises(RuntimeError, match="ours"):
        await reply_to(MESSAGE, FakeIntake(RuntimeError("ours")), responder)


@pytest.mark.parametrize("payload", [[], "text", None])
async def test_unreadable_event_is_acknowledged(responder, payload):
    assert await reply_to(event(payload), FakeIntake(Stored(1)), responder) == ACKNOWLEDGED


# --- callbacks


async def test_click_is_answered_by_the_responder(responder):
    assert (await reply_to(CLICK, FakeIntake(Stored(7)), responder)).data == b'{"answered": 7}'


async def test_answer_is_due_within_the_budget_from_the_arrival(responder):
    before = time.monotonic()
    await reply_to(CLICK, FakeIntake(Stored(7)), responder, age=2.0)
    assert before - 2.0 + BUDGET <= responder.deadline <= time.monotonic() - 2.0 + BUDGET


@pytest.mark.parametrize(
    ("repeated", "answer"), [(CLICK, {}), (SINGLE_USE_CLICK, CLICKED_BEFORE)], ids=["any", "single use"]
)
async def test_click_that_is_stored_already_is_not_handled_again(responder, repeated, answer):
    assert json.loads((await reply_to(repeated, FakeIntake(Stored(None)), responder)).data) == answer


async def test_click_that_cannot_be_stored_is_refused(responder):
    assert await reply_to(CLICK, FakeIntake(OperationalError()), responder) == NOT_STORED


@pytest.mark.parametrize(
    ("late", "answer"), [(CLICK, PROCESSING), (PREVIEW, {})], ids=["click", "link preview"]
)
async def test_callback_that_is_not_stored_in_time_is_answered_and_goes_to_the_workers_once_it_is(
    responder, late, answer
):
    storing = asyncio.get_running_loop().create_future()
    async with Receiver(FakeIntake(storing), responder) as receiver:
        async with asyncio.timeout(PATIENCE):
            reply = await receiver.receive(late, received_at=time.monotonic() - BUDGET)
        assert json.loads(reply.data) == answer
        assert responder.handed_over == []
        storing.set_result(Stored(7))
    assert responder.handed_over == [7]


async def test_late_callback_is_stored_when_the_database_is_back(responder):
    away = asyncio.get_running_loop().create_future()
    async with Receiver(FakeIntake(away, OperationalError(), Stored(7)), responder) as receiver:
        await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET)
        away.set_exception(OperationalError())
    assert responder.handed_over == [7]


async def test_late_callback_that_is_a_duplicate_is_handed_to_nobody(responder):
    storing = asyncio.get_running_loop().create_future()
    async with Receiver(FakeIntake(storing), responder) as receiver:
        await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET)
        storing.set_result(Stored(None))
    assert responder.handed_over == []


async def test_late_callback_that_cannot_be_stored_is_told_to_the_operator(responder, caplog):
    away = asyncio.get_running_loop().create_future()
    intake = FakeIntake(away, OperationalError())
    async with Receiver(intake, responder) as receiver:
        await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET)
        away.set_exception(OperationalError())
    assert intake.submitted == 3
    [line] = caplog.records
    assert (line.message, line.event_id) == ("callback_not_stored", CLICK.event_id)


async def test_callbacks_beyond_the_bound_are_answered_as_failed(responder, monkeypatch):
    monkeypatch.setattr(receive, "MAX_LATE", 1)
    storing = asyncio.get_running_loop().create_future()
    async with Receiver(FakeIntake(storing), responder) as receiver:
        replies = [await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET) for _ in range(2)]
        assert [json.loads(reply.data) for reply in replies] == [PROCESSING, FAILED]
        storing.set_result(Stored(7))
    assert responder.handed_over == [7]


async def test_end_of_the_process_waits_for_no_database_that_hangs(responder, monkeypatch):
    monkeypatch.setattr(receive, "CLOSE_SECONDS", 0.01)
    storing = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(PATIENCE), Receiver(FakeIntake(storing), responder) as receiver:
        await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET)
    assert responder.handed_over == []


@pytest.mark.usefixtures("own_series")
async def test_callbacks_are_counted_and_those_that_are_answered_before_they_are_stored(responder):
    seconds, rescued = "feishu_callback_seconds_count", "feishu_callbacks_rescued_total"
    before = value(seconds, "other"), value(rescued, "other")
    await reply_to(CLICK, FakeIntake(Stored(7)), responder)
    storing = asyncio.get_running_loop().create_future()
    async with Receiver(FakeIntake(storing), responder) as receiver:
        await receiver.receive(CLICK, received_at=time.monotonic() - BUDGET)
        storing.set_result(Stored(8))
    assert (value(seconds, "other"), value(rescued, "other")) == (before[0] + 2, before[1] + 1)

import asyncio

import pytest

from feishu.frames import Frame
from feishu.long_connection.deliveries import Deliveries
from feishu.long_connection.messages import Message, PendingReply, Reply
from tests.feishu.long_connection.fake_gateway import PATIENCE


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def message(name: str) -> Message:
    return Message(b"{}", name, "t", "event", 0.0, Frame())


@pytest.fixture
def answers() -> list[tuple[str, int]]:
    return []


def deliveries(sink, **options) -> Deliveries:
    return Deliveries(
        sink, **{"limit": 10, "timeout": 60.0, "clock": asyncio.get_running_loop().time, **options}
    )


async def test_a_message_that_was_given_up_is_answered_once(answers):
    clock, future = Clock(), asyncio.get_running_loop().create_future()
    under_way = deliveries(lambda _message: future, clock=clock)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    clock.now = 59.0
    under_way.expire()
    assert answers == []
    clock.now = 60.0
    under_way.expire()
    future.set_result(Reply())
    await asyncio.sleep(0)
    assert answers == [("m", 500)]
    assert len(under_way) == 0


async def test_a_future_of_the_sinks_own_is_not_cancelled(answers):
    shared = asyncio.get_running_loop().create_future()
    under_way = deliveries(lambda _message: shared)
    for name in "ab":
        under_way.offer(message(name), lambda m, reply: answers.append((m.message_id, reply.code)))
    under_way.abandon()
    assert not shared.cancelled()
    assert answers == [("a", 500), ("b", 500)]


async def test_a_task_made_here_is_cancelled_when_given_up(answers):
    cancelled = asyncio.Event()

    async def sink(_message: Message) -> Reply:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()
        return Reply()

    under_way = deliveries(sink)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    await asyncio.sleep(0)
    under_way.abandon()
    async with asyncio.timeout(PATIENCE):
        await cancelled.wait()
    assert answers == [("m", 500)]


async def test_a_cancelled_future_asks_for_another_push(answers):
    future = asyncio.get_running_loop().create_future()
    under_way = deliveries(lambda _message: future)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    future.cancel()
    await asyncio.sleep(0)
    assert answers == [("m", 500)]


async def test_room_comes_when_a_message_is_done(answers):
    futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
    waiting = iter(futures)
    under_way = deliveries(lambda _message: next(waiting), limit=2)
    for name in "ab":
        under_way.offer(message(name), lambda m, reply: answers.append((m.message_id, reply.code)))
    assert under_way.full
    room = asyncio.create_task(under_way.wait_for_room())
    await asyncio.sleep(0)
    assert not room.done()
    futures[1].set_result(Reply())
    async with asyncio.timeout(PATIENCE):
        await room
    assert answers == [("b", 200)]


async def test_room_comes_when_the_oldest_message_runs_out_of_time(answers):
    under_way = deliveries(lambda _message: asyncio.get_running_loop().create_future(), limit=1, timeout=0.02)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    async with asyncio.timeout(PATIENCE):
        await under_way.wait_for_room()
    assert answers == [("m", 500)]


async def test_draining_ends_with_the_last_message(answers):
    future = asyncio.get_running_loop().create_future()
    under_way = deliveries(lambda _message: future)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    asyncio.get_running_loop().call_later(0.01, future.set_result, Reply())
    async with asyncio.timeout(PATIENCE):
        await under_way.drain(60)
    assert answers == [("m", 200)]


async def test_draining_what_is_present_does_not_wait_for_what_comes_meanwhile(answers):
    futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
    waiting = iter(futures)
    under_way = deliveries(lambda _message: next(waiting))
    under_way.offer(message("present"), lambda m, reply: answers.append((m.message_id, reply.code)))
    draining = asyncio.create_task(under_way.drain_present(PATIENCE))
    await asyncio.sleep(0)
    under_way.offer(message("later"), lambda m, reply: answers.append((m.message_id, reply.code)))

    futures[0].set_result(Reply())

    async with asyncio.timeout(PATIENCE):
        await draining
    assert answers == [("present", 200)]
    assert len(under_way) == 1


async def test_draining_ends_in_time(answers):
    under_way = deliveries(lambda _message: asyncio.get_running_loop().create_future())
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    async with asyncio.timeout(PATIENCE):
        await under_way.drain(0.02)
    assert answers == []


@pytest.mark.parametrize(("outcome", "code"), [(Reply(), 200), (RuntimeError("the database is away"), 500)])
async def test_a_pending_reply_is_answered_the_moment_it_is_resolved(answers, outcome, code):
    pending = PendingReply()
    under_way = deliveries(lambda _message: pending)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    assert answers == []

    pending.resolve(outcome)

    assert answers == [("m", code)]
    assert len(under_way) == 0


async def test_a_pending_reply_that_was_resolved_before_is_answered_at_once(answers):
    pending = PendingReply()
    pending.resolve(Reply())

    deliveries(lambda _message: pending).offer(
        message("m"), lambda m, reply: answers.append((m.message_id, reply.code))
    )

    assert answers == [("m", 200)]


async def test_a_pending_reply_that_comes_after_its_time_is_not_answered_again(answers):
    clock, pending = Clock(), PendingReply()
    under_way = deliveries(lambda _message: pending, clock=clock)
    under_way.offer(message("m"), lambda m, reply: answers.append((m.message_id, reply.code)))
    clock.now = 60.0
    under_way.expire()

    pending.resolve(Reply())

    assert answers == [("m", 500)]


async def test_an_answer_that_fails_keeps_no_other_reply_from_being_resolved(caplog):
    def broken(_message: Message, _reply: Reply) -> None:
        raise RuntimeError("the socket's own")

    pending = PendingReply()
    deliveries(lambda _message: pending).offer(message("m"), broken)

    pending.resolve(Reply())

    assert "message_not_answered" in caplog.text

"""Two processes that send to one chat keep to its pace together, as long as Redis is there."""

import socket

import pytest
import redis

from bots.sending import pacing, shared_pacing
from bots.sending.pacing import ChatQueues, Queues, in_turn
from bots.sending.shared_pacing import PAUSE, SharedQueues, queues_of_process
from core.background.pace import steady_now
from feishu.errors import RateLimited
from tests.services.ports import free_port

needs_redis = pytest.mark.only_on("postgres")
"""It says nothing of the database, and needs a Redis."""
CHAT = ("cli_paced", "oc_paced")


@pytest.fixture
def server(settings, redis_url, tmp_path):
    """Redis, with names that no other test has."""
    settings.INSTALLATION = str(tmp_path)
    return redis.Redis.from_url(redis_url)


@pytest.fixture
def processes(server, redis_url) -> tuple[SharedQueues, SharedQueues]:
    return SharedQueues(redis_url), SharedQueues(redis_url)


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """Nobody sleeps: how long they would have."""
    naps: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", naps.append)
    return naps


def taken(processes: tuple[Queues, Queues], times: int, chat: object = CHAT) -> list[float]:
    """The waits of messages that two processes send alternately."""
    return [processes[n % 2].take(chat, until=steady_now() + pacing.LONGEST_WAIT) for n in range(times)]


@needs_redis
def test_two_processes_have_five_at_once_together(processes) -> None:
    waits = taken(processes, 15)
    assert waits[:5] == [0] * 5
    assert 0 < waits[-1] <= 2.01
    assert taken(processes, 2, chat=("cli_paced", "oc_other")) == [0, 0]


def test_without_redis_each_has_five_at_once() -> None:
    assert taken((ChatQueues(), ChatQueues()), 10) == [0] * 10


@needs_redis
def test_queue_is_bounded_for_all(processes) -> None:
    with pytest.raises(RateLimited) as refused:
        taken(processes, 100)
    assert 3 < refused.value.reset_after < 4
    assert refused.value.reason == "paced"


@needs_redis
def test_pause_of_one_holds_for_the_other(processes) -> None:
    processes[0].pause(CHAT, 30)
    with pytest.raises(RateLimited) as refused:
        taken(processes[::-1], 1)
    assert 28 < refused.value.reset_after <= 30
    processes[0].pause(CHAT, 3600)
    with pytest.raises(RateLimited) as refused:
        taken(processes, 1)
    assert refused.value.reset_after <= 60, "and asks the platform again after a while"


@needs_redis
def test_caller_gets_the_platforms_word(processes, slept) -> None:
    answers = [RateLimited(code=230020, reset_after=1), "sent"]

    def send() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert in_turn(CHAT, send, queues=processes[0]) == "sent"
    assert len(slept) == 1

    def closed() -> object:
        raise RateLimited(code=230020, reset_after=30)

    with pytest.raises(RateLimited) as refused:
        in_turn(CHAT, closed, queues=processes[1])
    assert (refused.value.code, refused.value.reset_after) == (230020, 30)


@needs_redis
def test_wiped_redis_begins_again(processes, server) -> None:
    taken(processes, 15)
    [key] = server.keys(shared_pacing._key(CHAT))
    assert 0 < server.pttl(key) < 10_000, "what nobody uses is gone"
    assert b"oc_paced" not in key
    server.delete(key)
    server.script_flush()
    assert taken(processes, 5) == [0] * 5


@needs_redis
def test_clock_of_redis_that_is_set_back_holds_up_nothing(processes, server) -> None:
    seconds, microseconds = server.time()
    server.set(shared_pacing._key(CHAT), (seconds + 3600) * 1_000_000 + microseconds, ex=60)
    assert taken(processes, 1) == [0]


def test_dead_redis_leaves_each_its_own_pace_and_is_asked_again_later(caplog, monkeypatch) -> None:
    now = [100.0]
    queues = SharedQueues(f"redis://127.0.0.1:{free_port()}/0", clock=lambda: now[0])
    asked = []
    connected = queues._connected
    monkeypatch.setattr(queues, "_connected", lambda: asked.append(1) or connected())
    waits = taken((queues, queues), 15)
    assert waits[:5] == [0] * 5
    assert waits[-1] > 0
    queues.pause(CHAT, 1)
    assert len(asked) == 1
    now[0] += PAUSE
    taken((queues, queues), 1, chat="oc_other")
    assert len(asked) == 2
    assert [record.message for record in caplog.records] == ["turns_not_shared"] * 2


def test_redis_that_does_not_answer_holds_up_nothing(monkeypatch) -> None:
    monkeypatch.setattr(shared_pacing, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        queues = SharedQueues(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert taken((queues, queues), 5) == [0] * 5


def test_process_shares_where_there_is_a_redis(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert isinstance(queues_of_process(), SharedQueues)
    settings.REDIS_URL = ""
    assert isinstance(queues_of_process(), ChatQueues)

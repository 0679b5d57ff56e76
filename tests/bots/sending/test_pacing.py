from datetime import timedelta

import pytest
from django.utils import timezone

from bots.sending import pacing
from bots.sending.pacing import ChatQueues, in_turn
from core.background.pace import steady_now
from feishu.credentials import AppCredentials
from feishu.errors import APIError, RateLimited
from feishu.openapi import OpenAPI
from feishu.platforms import Platform
from tests.feishu_portal.api.messages import message_platform


@pytest.fixture
def slept(monkeypatch):
    """Nobody sleeps: how long they would have."""
    naps = []
    monkeypatch.setattr(pacing.time, "sleep", naps.append)
    return naps


def soon() -> object:
    return steady_now() + pacing.LONGEST_WAIT


def test_five_go_at_once_and_the_next_in_turn():
    queues = ChatQueues()
    waits = [queues.take("oc_1", until=soon()) for _ in range(8)]
    assert waits[:5] == [0] * 5
    assert 0 < waits[5] < waits[6] < waits[7] <= 0.7


def test_another_chat_waits_for_nobody():
    queues = ChatQueues()
    for _ in range(8):
        queues.take("oc_1", until=soon())
    assert queues.take("oc_2", until=soon()) == 0


def test_queue_is_bounded_and_says_when_to_come_back():
    queues = ChatQueues()
    with pytest.raises(RateLimited) as refused:
        for _ in range(100):
            queues.take("oc_1", until=soon())
    assert 3 < refused.value.reset_after < 4
    assert refused.value.reason == "paced"
    assert queues.take("oc_2", until=soon()) == 0


def test_chat_that_had_enough_is_tried_again_within_the_bound(slept):
    answers = [RateLimited(code=230020, reset_after=1), RateLimited(code=230020, reset_after=1), "sent"]

    def send() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert in_turn("oc_1", send, queues=ChatQueues()) == "sent"
    assert len(slept) == 2
    assert all(0 < nap <= 2.1 for nap in slept)


def test_chat_that_stays_closed_longer_is_not_waited_for(slept):
    queues = ChatQueues()

    def send() -> object:
        raise RateLimited(code=230020, reset_after=30)

    with pytest.raises(RateLimited) as refused:
        in_turn("oc_1", send, queues=queues)
    assert refused.value.reset_after == 30
    with pytest.raises(RateLimited) as paced:
        in_turn("oc_1", lambda: "sent", queues=queues)
    assert 28 < paced.value.reset_after <= 30
    assert in_turn("oc_2", lambda: "sent", queues=queues) == "sent"
    assert slept == []


@pytest.mark.parametrize("error", [RateLimited(code=99991400, reset_after=1), APIError(code=230001)])
def test_other_refusals_come_out_at_once(slept, error):
    calls = []

    def send() -> object:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        in_turn("oc_1", send, queues=ChatQueues())
    assert (len(calls), slept) == (1, [])


def test_chats_are_forgotten_beyond_the_bound(monkeypatch):
    monkeypatch.setattr(pacing, "MAX_CHATS", 3)
    queues = ChatQueues()
    for number in range(10):
        queues.take(number, until=soon())
        queues.pause(-number, 1)
    assert len(queues._next) == 3


def test_clock_that_is_set_back_holds_up_no_message(slept, time_machine):
    queues = ChatQueues()
    assert in_turn("oc_1", lambda: "sent", queues=queues) == "sent"
    time_machine.move_to(timezone.now() - timedelta(hours=1), tick=True)
    assert in_turn("oc_1", lambda: "sent", queues=queues) == "sent"
    assert slept == []


def test_whatever_a_process_sends_waits_for_the_turn_of_its_chat(slept):
    credentials = AppCredentials(
        "cli_paced", "secret", Platform("http://platform.test", "http://platform.test")
    )
    api = OpenAPI(credentials)
    with message_platform() as platform:
        for _message in range(4):
            api.send_text("oc_paced", "hello", receive_id_type="chat_id")
            api.reply("om_paced", "text", {"text": "hello"})
            api.patch_card("om_other", {})
        assert not slept
        for _message in range(2):
            api.send_card("oc_paced", {}, receive_id_type="chat_id")
        assert (len(slept), platform.sends.call_count) == (1, 10)

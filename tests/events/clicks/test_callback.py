import asyncio
import json
import threading
from uuid import uuid4

from events.clicks.callback import Callback
from events.enums import Arrived
from events.handling import registry
from events.ingress.incoming import read_event
from tests.factories import click_event
from tests.services.processes import PATIENCE


def a_callback(action: str = "approve") -> Callback:
    payload = json.dumps(click_event(value={"action": action})).encode()
    return Callback(1, read_event(bot_id=uuid4(), payload=payload, arrived_by=Arrived.WEBSOCKET))


def on_a_thread(function, *arguments):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    thread.join(timeout=120)
    [result] = results
    return result


async def test_answer_in_time_is_the_answer() -> None:
    callback = a_callback()

    assert on_a_thread(callback.set_answer, {"toast": {}}) is None
    assert await asyncio.wait_for(callback.answer, PATIENCE) == {"toast": {}}
    assert not callback.set_late()


async def test_late_answer_knows_since_when_the_person_waits() -> None:
    callback = a_callback()
    assert callback.set_late()

    since = on_a_thread(callback.set_answer, {"card": {}})

    assert since is not None
    assert since >= callback.began_at


async def test_it_counts_by_bot_and_handler(own_handlers) -> None:
    registry.on_card("approve", name="shop.approve")(lambda event, bot: None)
    assert a_callback().key[1] == "shop.approve"


async def test_callbacks_without_a_handler_count_together_whatever_their_actions_are(own_handlers) -> None:
    assert {a_callback(action).key[1] for action in ("order 1", "order 2")} == {""}


def test_answer_for_a_loop_that_is_closed_is_dropped() -> None:
    async def begin() -> Callback:
        return a_callback()

    callback = asyncio.run(begin())
    assert on_a_thread(callback.set_answer, {}) is None

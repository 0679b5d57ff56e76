import asyncio
import json
import logging
import runpy
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from core.access.actors import SYSTEM
from events import callback_response, toast
from events.clicks.answers import FAILED, PROCESSING, UNHANDLED
from events.clicks.responder import CallbackResponder
from events.enums import Arrived, EventStatus, RunFailure, RunStatus
from events.handling import execution, registry
from events.handling.sweep import end_lost_clicks
from events.handling.switches import set_switch
from events.ingress.incoming import IncomingEvent, read_event
from events.ingress.store_once import store
from events.log.sentences import LOST_CLICK
from events.models import Event
from feishu.card_rules import check
from feishu.text import Text
from tests.events.handler_runs import handle
from tests.factories import click_event, make_bot
from tests.services.log_lines import lines
from tests.services.processes import PATIENCE, PROJECT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

OK = callback_response(toast=toast("success", Text("好", "ok")))
CARD: dict[str, Any] = {"schema": "2.0"}


def arrived(value: Any, *, bot=None, **values: Any) -> IncomingEvent:
    payload = json.dumps(click_event(value=value, **values)).encode()
    return read_event(bot_id=(bot or make_bot()).pk, payload=payload, arrived_by=Arrived.WEBSOCKET)


def click(value: Any, **values: Any) -> tuple[int, IncomingEvent]:
    one = arrived(value, **values)
    [stored] = store([one])
    return stored.event_pk, one


async def answer(
    responder: CallbackResponder, clicked: tuple[int, IncomingEvent], *, budget: float = 20
) -> Any:
    return json.loads(await responder.answer(*clicked, deadline=time.monotonic() + budget))


async def event_of(database, clicked: tuple[int, IncomingEvent]) -> Event:
    return await database.run(Event.objects.prefetch_related("handler_runs").get, pk=clicked[0])


async def until(condition, what: str, seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_click_is_answered_by_its_handler(database, responder):
    registry.on_card("approve")(lambda event, bot: OK)
    clicked = await database.run(click, {"action": "approve"})
    assert await answer(responder, clicked) == OK
    event = await event_of(database, clicked)
    assert (event.status, event.answered_late) == (EventStatus.DONE, False)
    assert event.handler_runs.all()[0].status == RunStatus.SUCCEEDED


async def test_click_may_be_answered_by_an_async_handler(database, responder):
    @registry.on_card("approve")
    async def approve(event, bot):
        return OK

    clicked = await database.run(click, {"action": "approve"})
    assert await answer(responder, clicked) == OK


@pytest.mark.parametrize("value", [{"action": "unknown"}, {}, "a string", None, [1]])
async def test_click_nobody_handles_says_so_to_person_and_operator(database, responder, value):
    clicked = await database.run(click, value)
    assert await answer(responder, clicked) == UNHANDLED
    event = await event_of(database, clicked)
    assert event.status == EventStatus.IGNORED
    assert "No handler is on that answers a click with the action" in event.error


async def test_click_whose_handler_is_switched_off_is_answered_so(database, responder):
    registry.on_card("approve")(lambda event, bot: OK)
    bot = await database.run(make_bot)
    [handler] = registry.known_handlers()
    await database.run(set_switch, bot=bot, handler=handler, is_on=False, actor=SYSTEM)
    assert await answer(responder, await database.run(click, {"action": "approve"}, bot=bot)) == UNHANDLED


async def test_failing_handler_is_answered_with_a_toast_and_noted(database, responder):
    @registry.on_card("fail")
    def fail(event, bot):
        raise ValueError("the reason")

    clicked = await database.run(click, {"action": "fail"})
    assert await answer(responder, clicked) == FAILED
    event = await event_of(database, clicked)
    assert event.status == EventStatus.DEAD
    assert "ValueError: the reason" in event.handler_runs.all()[0].error


async def test_click_is_answered_even_if_the_database_goes_away_meanwhile(database, responder, monkeypatch):
    registry.on_card("approve")(lambda event, bot: OK)
    clicked = await database.run(click, {"action": "approve"})

    def gone(*_args, **_values):
        raise OperationalError

    monkeypatch.setattr(execution, "execute", gone)
    assert await answer(responder, clicked) == FAILED


async def test_slow_handler_is_answered_in_time_and_its_card_comes_later(database, responder, gate, updates):
    @registry.on_card("slow")
    def slow(event, bot):
        assert gate.wait(PATIENCE)
        return callback_response(card=CARD)

    clicked = await database.run(click, {"action": "slow"})
    assert await answer(responder, clicked, budget=0.05) == PROCESSING
    gate.set()

    async def shown():
        return bool(updates)

    await until(shown, "the card is put in place")
    [(token, card)] = updates
    assert token.startswith("c-")
    assert card == CARD

    async def counted():
        event = await event_of(database, clicked)
        return event.answered_late and event.status == EventStatus.DONE

    await until(counted, "the late answer is counted")


async def test_click_whose_time_is_over_before_its_handler_began_goes_to_the_workers(
    database, responder, updates
):
    registry.on_card("approve")(lambda event, bot: callback_response(card=CARD))
    clicked = await database.run(click, {"action": "approve"})
    assert await answer(responder, clicked, budget=-1.0) == PROCESSING

    async def handed_over():
        event = await event_of(database, clicked)
        return event.answered_late and event.status == EventStatus.RECEIVED

    await until(handed_over, "the click waits for a worker")
    event = await event_of(database, clicked)
    assert (await database.run(handle, event)).status == EventStatus.DONE


async def test_many_clicks_on_a_slow_handler_are_all_answered_and_none_is_lost(
    database, settings, updates, monkeypatch
):
    settings.CALLBACK_THREADS = 4
    # Those that have begun may end, however slow the machine is.
    monkeypatch.setattr("events.clicks.responder.CLOSE_SECONDS", 60)

    @registry.on_card("slow")
    def slow(event, bot):
        time.sleep(0.2)
        return callback_response(card=CARD)

    responder = CallbackResponder()
    clicks = [await database.run(click, {"action": "slow"}) for _ in range(60)]
    answers = await asyncio.gather(*(answer(responder, one, budget=0.3) for one in clicks))
    assert len(answers) == 60
    await responder.close()
    statuses = await database.run(lambda: list(Event.objects.values_list("status", flat=True)))
    assert set(statuses) <= {EventStatus.DONE, EventStatus.RECEIVED}
    assert statuses.count(EventStatus.RECEIVED) > 30


async def test_one_hung_handler_leaves_threads_to_the_others(database, settings, gate):
    settings.CALLBACK_THREADS = 4
    registry.on_card("hang", name="hang")(lambda event, bot: gate.wait(PATIENCE))
    registry.on_card("fine", name="fine")(lambda event, bot: OK)
    responder = CallbackResponder()
    bot = await database.run(make_bot)
    hung = [await database.run(click, {"action": "hang"}, bot=bot) for _ in range(8)]
    fine = await database.run(click, {"action": "fine"}, bot=bot)
    told = asyncio.gather(*(answer(responder, one, budget=0.3) for one in hung))
    await asyncio.sleep(0)
    assert await answer(responder, fine, budget=20) == OK
    assert await told == [PROCESSING] * 8
    gate.set()
    await responder.close()


async def test_handler_past_its_time_gives_its_place_up_and_is_noted(database, responder, gate):
    registry.on_card("hang", timeout=2.0)(lambda event, bot: gate.wait(PATIENCE))
    clicked = await database.run(click, {"action": "hang"})
    assert await answer(responder, clicked, budget=0.05) == PROCESSING

    async def noted():
        event = await event_of(database, clicked)
        return event.status == EventStatus.DEAD

    await until(noted, "the hung handler is noted")
    assert (await event_of(database, clicked)).handler_runs.all()[0].failure == RunFailure.TIMED_OUT


async def test_end_of_the_process_waits_for_no_hung_handler(database, gate, monkeypatch):
    monkeypatch.setattr("events.clicks.responder.CLOSE_SECONDS", 0.1)
    registry.on_card("hang")(lambda event, bot: gate.wait(PATIENCE))
    responder = CallbackResponder()
    clicked = await database.run(click, {"action": "hang"})
    assert await answer(responder, clicked, budget=0.05) == PROCESSING

    async def begun():
        return bool((await event_of(database, clicked)).handler_runs.all())

    await until(begun, "the handler's run is written")
    async with asyncio.timeout(PATIENCE):
        await responder.close()
    event = await event_of(database, clicked)
    assert event.status == EventStatus.DEAD
    assert "stopped" in event.handler_runs.all()[0].error


async def test_click_of_a_process_that_died_is_ended_with_its_reason(database):
    clicked = await database.run(click, {"action": "approve"})
    await database.run(end_lost_clicks)
    assert (await event_of(database, clicked)).status == EventStatus.DISPATCHED
    old = timezone.now() - timedelta(minutes=2)
    await database.run(lambda: Event.objects.update(received_at=old))
    await database.run(end_lost_clicks)
    event = await event_of(database, clicked)
    assert (event.status, event.error) == (EventStatus.DEAD, LOST_CLICK())


async def test_old_card_callback_reaches_its_handler_in_todays_shape(database, responder):
    seen = []

    @registry.on_card("approve")
    def approve(event, bot):
        seen.append((event.data["operator"]["open_id"], event.data["context"]["open_message_id"]))

    old = {
        "open_id": "ou_1",
        "user_id": "u1",
        "open_message_id": "om_1",
        "open_chat_id": "oc_1",
        "tenant_key": "tenant",
        "token": "c-0123",
        "action": {"value": {"action": "approve"}, "tag": "button"},
    }
    bot = await database.run(make_bot)
    one = read_event(bot_id=bot.pk, payload=json.dumps(old).encode(), arrived_by=Arrived.WEBHOOK)
    [stored] = await database.run(store, [one])
    assert await answer(responder, (stored.event_pk, one)) == {}
    assert seen == [("ou_1", "om_1")]


def called(
    event_type: str, event: dict[str, Any], *, event_id: str = "", bot=None
) -> tuple[int, IncomingEvent]:
    """A stored callback of another kind than a click."""
    header = {"event_type": event_type} | ({"event_id": event_id} if event_id else {})
    payload = json.dumps({"schema": "2.0", "header": header, "event": event}).encode()
    one = read_event(bot_id=(bot or make_bot()).pk, payload=payload, arrived_by=Arrived.WEBSOCKET)
    [stored] = store([one])
    return stored.event_pk, one


@pytest.mark.parametrize("event_type", ["profile.view.get", "url.preview.get", "brand.new.get"])
async def test_callback_of_any_kind_is_answered_by_its_handler(database, responder, event_type):
    profile = {"card": {"type": "raw", "data": CARD}}
    registry.on(event_type)(lambda event, bot: profile)
    [handler] = registry.known_handlers()
    assert not handler.atomic
    asked = await database.run(called, event_type, {"host": "im_message"})
    assert await answer(responder, asked) == profile


@pytest.mark.parametrize("event_type", ["profile.view.get", "url.preview.get", "brand.new.get"])
async def test_callback_nobody_handles_gets_an_empty_answer(database, responder, event_type):
    asked = await database.run(called, event_type, {})
    assert await answer(responder, asked) == {}
    event = await event_of(database, asked)
    assert (event.status, event_type in event.error) == (EventStatus.IGNORED, True)


@pytest.mark.parametrize("event_id", ["", "the-same"])
async def test_preview_is_answered_each_time_it_is_asked_for(database, responder, event_id):
    registry.on("url.preview.get")(lambda event, bot: {"inline": {"title": "x"}})
    bot = await database.run(make_bot)
    for _ in range(2):
        asked = await database.run(called, "url.preview.get", {"context": {}}, event_id=event_id, bot=bot)
        assert await answer(responder, asked) == {"inline": {"title": "x"}}


async def test_late_or_failed_preview_is_answered_with_nothing(database, responder):
    def preview(event, bot):
        if event.data["late"]:
            time.sleep(0.5)
        else:
            raise ValueError

    registry.on("url.preview.get")(preview)
    for late in (True, False):
        asked = await database.run(called, "url.preview.get", {"late": late})
        assert await answer(responder, asked, budget=0.1 if late else 20) == {}


async def test_example_of_the_documents_previews_its_own_links(database, responder):
    runpy.run_path(str(PROJECT / "docs/examples/preview.py"))

    async def preview(url: str) -> Any:
        asked = await database.run(called, "url.preview.get", {"context": {"url": url}})
        return await answer(responder, asked)

    shown = await preview("https://shop.example.com/orders/4711")
    assert shown["inline"] == {"i18n_title": {"zh_cn": "订单 4711", "en_us": "Order 4711"}}
    assert shown["card"]["type"] == "raw"
    check(shown["card"]["data"])
    assert await preview("https://example.com/") == {}


ACTIONS = (
    {"tag": "button", "name": "submit_leave", "form_value": {"days": ["1"]}, "timezone": "Asia/Shanghai"},
    {"tag": "select_static", "name": "submit_leave", "option": "p1"},
    {"tag": "multi_select_person", "name": "submit_leave", "options": ["ou_1"]},
    {"tag": "checker", "name": "submit_leave", "checked": True},
    {"tag": "input", "name": "submit_leave", "input_value": "ok"},
    {"tag": "submit_leave", "option": "archive", "value": {}},
)


@pytest.mark.parametrize("action", ACTIONS)
async def test_what_was_filled_in_or_chosen_reaches_its_handler(database, responder, action):
    seen: list[Any] = []
    registry.on_card("submit_leave")(lambda event, bot: seen.append(event.data["action"]))
    asked = await database.run(called, "card.action.trigger", {"action": action})
    assert await answer(responder, asked) == {}
    assert seen == [action]


@pytest.mark.parametrize(
    ("value", "read"),
    [('{"action": "approve", "no": 7}', {"action": "approve", "no": 7}), ("approve", "approve")],
)
async def test_value_may_be_json_text_or_a_plain_word(database, responder, value, read):
    seen: list[Any] = []

    @registry.on_card("approve")
    def approve(event, bot):
        seen.append((event.data["action"]["value"], event.typed.event.action.value["action"]))
        return OK

    asked = await database.run(called, "card.action.trigger", {"action": {"tag": "button", "value": value}})
    event = await event_of(database, asked)
    await asyncio.to_thread(getattr, event, "typed")  # loads the SDK, which may take longer than an answer
    assert await answer(responder, asked) == OK
    assert seen == [(read, "approve")]


async def test_handler_of_no_action_takes_every_other_click(database, responder):
    registry.on_card("approve")(lambda event, bot: None)
    registry.on_card("")(lambda event, bot: OK)
    assert await answer(responder, await database.run(click, {"action": "unknown"})) == OK


async def test_form_is_submitted_once_where_its_handler_says_so(database):
    registry.on_card("submit_leave", once=True)(lambda event, bot: OK)
    bot = await database.run(make_bot)
    form = {"action": ACTIONS[0], "context": {"open_message_id": "om_1"}}
    first, second = [
        await database.run(called, "card.action.trigger", form, event_id=name, bot=bot) for name in "ab"
    ]
    assert (first[1].is_single_use, second[1].is_single_use) == (True, True)
    assert (first[0] is None, second[0] is None) == (False, True)


async def test_lines_of_a_click_name_its_event_and_bot_on_the_handlers_thread(
    push_click, database, leaks, monkeypatch
):
    def fail(_callback):
        logging.getLogger("feishu.tests").warning("deep_down")
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("events.clicks.responder._handled", fail)
    await push_click({"action": "approve"})
    event = await database.run(Event.objects.get)
    facts = {"event_id": event.event_id, "bot": str(event.bot_id), "event_pk": str(event.pk)}
    for name in ("deep_down", "callback_failed"):
        assert facts.items() <= lines(leaks, name)[0].items()

"""Messages that an event refers to come once, and their failure holds nothing up."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.models import Bot
from events import expansion
from events.enums import RunStatus, SubscriptionKind
from events.errors import MessagesAwaitedError
from events.expansion import (
    CALL_SECONDS,
    CLAIM_SECONDS,
    MAX_MESSAGES,
    RETRIES,
    SHORTEST,
    TRIES,
    expansion_in_time,
    expansion_of,
    is_expandable,
    kept,
)
from events.handling.registry import on
from events.log.deletion import delete_events
from events.models import Event, EventExpansion, HandlerRun
from events.subscriptions.pull import fetch
from events.subscriptions.push import build_request, takes_time
from tests.events.handler_runs import fanned_out, run_due, stored_event
from tests.factories import PLATFORM, make_bot, make_subscription, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]

MESSAGES = f"{PLATFORM}/open-apis/im/v1/messages"
SENTENCE = "Merged and Forwarded Message"


@pytest.fixture
def bot() -> Bot:
    return make_bot()


@pytest.fixture
def platform() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mock:
        token = {"code": 0, "tenant_access_token": "t-of-the-tests", "expire": 7200}
        mock.post(f"{PLATFORM}/open-apis/auth/v3/tenant_access_token/internal").respond(json=token)
        yield mock


def item(message_id: str, text: str = "", **more: Any) -> dict[str, Any]:
    body = {"content": json.dumps({"text": text})}
    return {"message_id": message_id, "msg_type": "text", "body": body, **more}


def answers(platform: respx.MockRouter, message_id: str, *items: dict[str, Any]) -> respx.Route:
    answer = {"code": 0, "msg": "success", "data": {"items": list(items)}}
    return platform.get(f"{MESSAGES}/{message_id}").respond(json=answer)


def merged(bot: Bot, message_id: str = "om_m", **more: Any) -> Event:
    payload = message_event(message_id=message_id, message_type="merge_forward", content=SENTENCE, **more)
    return stored_event(payload, bot=bot)


def test_merged_forward_comes_with_what_is_in_it_and_is_fetched_once(
    bot: Bot, platform: respx.MockRouter
) -> None:
    event = merged(bot)
    inside = item("om_1", "first", upper_message_id="om_m"), item("om_2", "second", upper_message_id="om_m")
    route = answers(platform, "om_m", item("om_m"), *inside)
    expected = {"forwarded": list(inside), "quoted": [], "root": [], "truncated": False, "problems": []}
    for _reader in range(3):
        assert expansion_of(Event.objects.get(pk=event.pk)) == expected
    assert route.call_count == 1
    assert kept([event]) == {event.pk: expected}


def test_answer_comes_with_what_it_answers_and_with_the_first_above_it(
    bot: Bot, platform: respx.MockRouter
) -> None:
    event = stored_event(message_event(message_id="om_a", parent_id="om_p", root_id="om_r"), bot=bot)
    answers(platform, "om_p", item("om_p", "asked"))
    answers(platform, "om_r", item("om_r", "began"))
    expanded = expansion_of(event)
    assert expanded is not None
    assert (expanded["quoted"], expanded["root"]) == ([item("om_p", "asked")], [item("om_r", "began")])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"parent_id": ""},
        {"parent_id": 7},
        {"parent_id": "om_" + "x" * 200},
        {"message_type": ["merge_forward"]},
    ],
)
def test_message_that_refers_to_none_is_not_expanded(bot: Bot, more: dict[str, Any]) -> None:
    event = stored_event(message_event(**more), bot=bot)
    assert not is_expandable(event)
    assert expansion_of(event) is None


def test_failure_is_named_and_not_tried_again(bot: Bot, platform: respx.MockRouter) -> None:
    event = stored_event(message_event(parent_id="om_p", root_id="om_r"), bot=bot)
    refusal = {"code": 230002, "msg": "Bot is not in the chat"}
    route = platform.get(f"{MESSAGES}/om_p").respond(400, json=refusal)
    answers(platform, "om_r", item("om_r", "began"))
    for _reader in range(2):
        expanded = expansion_of(event)
        assert expanded is not None
        assert (expanded["quoted"], [one["message_id"] for one in expanded["root"]]) == ([], ["om_r"])
        [problem] = expanded["problems"]
        assert (problem["message_id"], problem["platform_code"]) == ("om_p", 230002)
    assert route.call_count == 1


def test_failure_that_may_pass_is_tried_again_and_not_for_ever(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.expansion._BETWEEN_TRIES", 0.0)
    event = stored_event(message_event(parent_id="om_p", root_id="om_r"), bot=bot)
    away = platform.get(f"{MESSAGES}/om_p").respond(503)
    root = answers(platform, "om_r", item("om_r", "began"))
    attempts = RETRIES.max_attempts
    for attempt in range(1, attempts + 2):
        expanded = expansion_of(event)
        assert expanded == expansion_of(event), "the next attempt is not due"
        assert expanded is not None
        assert [one["message_id"] for one in expanded["problems"]] == ["om_p"]
        assert expanded["root"] == [item("om_r", "began")]
        assert away.call_count == min(attempt, attempts) * TRIES
        EventExpansion.objects.filter(retry_at__isnull=False).update(retry_at=timezone.now())
    assert root.call_count == 1, "what is there is not fetched again"


def test_what_was_missing_is_there_for_who_comes_later(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.expansion._BETWEEN_TRIES", 0.0)
    event = stored_event(message_event(parent_id="om_p"), bot=bot)
    route = platform.get(f"{MESSAGES}/om_p").respond(503)
    expansion_of(event)
    EventExpansion.objects.update(retry_at=timezone.now())
    route.respond(json={"code": 0, "msg": "success", "data": {"items": [item("om_p", "asked")]}})
    expanded = expansion_of(event)
    assert expanded is not None
    assert (expanded["quoted"], expanded["problems"]) == ([item("om_p", "asked")], [])
    assert EventExpansion.objects.get().retry_at is None


def test_time_is_bounded_over_all_questions_and_tries(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "_BETWEEN_TRIES", 0.0)
    hangs = platform.get(url__startswith=MESSAGES).mock(side_effect=httpx2.ReadTimeout)
    expansion_of(stored_event(message_event(parent_id="om_p"), bot=bot))
    assert [call.request.extensions["timeout"]["read"] <= CALL_SECONDS for call in hangs.calls] == [
        True
    ] * TRIES
    monkeypatch.setattr(expansion, "SECONDS", SHORTEST / 2)
    late = stored_event(message_event(parent_id="om_p", root_id="om_r"), bot=bot)
    expanded = expansion_of(late)
    assert expanded is not None
    assert [one["message_id"] for one in expanded["problems"]] == ["om_p", "om_r"]
    assert EventExpansion.objects.get(pk=late.pk).retry_at is not None
    assert len(hangs.calls) == TRIES


def test_nobody_waits_long_for_another_process(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "SECONDS", 0.0)
    event = merged(bot)
    EventExpansion.objects.create(event=event, claimed_at=timezone.now())
    expanded = expansion_of(event)
    assert expanded is not None
    assert [one["message_id"] for one in expanded["problems"]] == ["om_m"]
    with pytest.raises(MessagesAwaitedError) as awaited:
        expansion_in_time(event)
    assert timedelta(0) < awaited.value.pause <= timedelta(seconds=CLAIM_SECONDS)
    assert EventExpansion.objects.get().content is None


def test_one_handler_waits_for_the_second_attempt_and_not_for_the_third(
    bot: Bot, platform: respx.MockRouter, own_handlers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "_BETWEEN_TRIES", 0.0)

    @on("im.message.receive_v1", name="tests.wanting", expand=True)
    def wanting(event: Event, _bot: Bot) -> None:
        own_handlers.append(
            ([one["message_id"] for one in event.expanded["quoted"]], len(event.expanded["problems"]))
        )

    def time_passes() -> None:
        EventExpansion.objects.filter(retry_at__isnull=False).update(retry_at=timezone.now())
        HandlerRun.objects.update(run_at=timezone.now())

    route = platform.get(f"{MESSAGES}/om_p").respond(503)
    for expected in ((["om_p"], 0), ([], 1)):
        event = stored_event(message_event(parent_id="om_p"), bot=bot)
        run_due(bot)
        [run] = event.handler_runs.all()
        assert (run.status, run.attempts, own_handlers) == (RunStatus.PENDING, 0, [])
        assert run.run_at > timezone.now()
        if expected[0]:
            route.respond(json={"code": 0, "msg": "success", "data": {"items": [item("om_p", "asked")]}})
        time_passes()
        run_due(bot)
        assert own_handlers == [expected]
        assert event.handler_runs.get().status == RunStatus.SUCCEEDED
        own_handlers.clear()
        route.respond(503)


def test_deliveries_wait_for_the_second_attempt(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "_BETWEEN_TRIES", 0.0)
    pulling = make_subscription(bot, kind=SubscriptionKind.PULL, expand=True)
    pushed = make_subscription(bot, url="https://crm.example.com/", expand=True)
    event = merged(bot)
    platform.get(f"{MESSAGES}/om_m").respond(503)
    [delivery] = [one for one in fanned_out(event) if one.subscription == pushed]
    assert fetch(pulling, after=0, limit=10) == []
    with pytest.raises(MessagesAwaitedError):
        build_request(delivery)
    EventExpansion.objects.update(retry_at=timezone.now())
    [pulled] = fetch(pulling, after=0, limit=10)
    for payload in (pulled.payload, build_request(delivery).payload):
        assert [one["message_id"] for one in json.loads(payload)["expanded"]["problems"]] == ["om_m"]


def test_no_more_is_kept_than_an_event_may_hold(bot: Bot, platform: respx.MockRouter) -> None:
    event, large = merged(bot), merged(bot, "om_l")
    answers(platform, "om_m", *(item(f"om_{number}") for number in range(150)))
    answers(platform, "om_l", item("om_1", "x" * 200_000), item("om_2", "x" * 200_000))
    expanded, cut = expansion_of(event), expansion_of(large)
    assert expanded is not None
    assert cut is not None
    assert (len(expanded["forwarded"]), expanded["truncated"]) == (MAX_MESSAGES, True)
    assert (len(cut["forwarded"]), cut["truncated"]) == (1, True)


def test_claim_of_a_process_that_is_gone_is_taken_over(bot: Bot, platform: respx.MockRouter) -> None:
    event = merged(bot)
    answers(platform, "om_m", item("om_m"), item("om_1"))
    gone = timezone.now() - timedelta(seconds=CLAIM_SECONDS + 1)
    EventExpansion.objects.create(event=event, claimed_at=gone)
    expanded = expansion_of(event)
    assert expanded is not None
    assert [one["message_id"] for one in expanded["forwarded"]] == ["om_1"]


def test_handler_that_wants_them_finds_them_and_others_do_not(
    bot: Bot, platform: respx.MockRouter, own_handlers: list[Any]
) -> None:
    route = answers(platform, "om_m", item("om_m"), item("om_1", "first"))

    @on("im.message.receive_v1", name="tests.wanting", expand=True)
    def wanting(event: Event, _bot: Bot) -> None:
        own_handlers.append([one["message_id"] for one in event.expanded["forwarded"]])

    @on("im.message.receive_v1", name="tests.atomic", expand=True, atomic=False)
    def atomic(event: Event, _bot: Bot) -> None:
        own_handlers.append(event.expanded["truncated"])

    @on("im.message.receive_v1", name="tests.other")
    def other(_event: Event, _bot: Bot) -> None:
        own_handlers.append("other")

    event = merged(bot)
    run_due(bot)
    assert sorted(map(str, own_handlers)) == ["False", "['om_1']", "other"]
    assert {run.status for run in event.handler_runs.all()} == {RunStatus.SUCCEEDED}
    assert route.call_count == 1


def test_subscription_gets_them_where_it_asks_for_them(bot: Bot, platform: respx.MockRouter) -> None:
    route = answers(platform, "om_m", item("om_m"), item("om_1", "first"))
    wanting = make_subscription(bot, kind=SubscriptionKind.PULL, expand=True)
    other = make_subscription(bot, kind=SubscriptionKind.PULL)
    pushed = make_subscription(bot, url="https://crm.example.com/", expand=True)
    plain, event = stored_event(bot=bot), merged(bot)
    deliveries = [delivery for one in (plain, event) for delivery in fanned_out(one)]
    bodies = [json.loads(one.payload) for one in fetch(wanting, after=0, limit=10)]
    assert [body.get("expanded", {}).get("forwarded") for body in bodies] == [None, [item("om_1", "first")]]
    assert all("expanded" not in json.loads(one.payload) for one in fetch(other, after=0, limit=10))
    [delivery] = [one for one in deliveries if one.subscription == pushed and one.event_id == event.pk]
    assert takes_time(delivery)
    body = json.loads(build_request(delivery).payload)
    assert body["expanded"]["forwarded"] == [item("om_1", "first")]
    assert body["payload"]["event"]["message"]["content"] == SENTENCE
    assert route.call_count == 1


def test_page_ends_where_fetching_takes_long(
    bot: Bot, platform: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.subscriptions.pull.EXPANDING_SECONDS", -1.0)
    for name in ("om_a", "om_b"):
        answers(platform, name, item(name), item("om_1"))
    subscription = make_subscription(bot, kind=SubscriptionKind.PULL, expand=True)
    events = [merged(bot, "om_a"), merged(bot, "om_b")]
    fanned_out(events[-1])
    [first] = fetch(subscription, after=0, limit=10)
    [second] = fetch(subscription, after=first.number, limit=10)
    assert [json.loads(one.payload)["id"] for one in (first, second)] == [event.pk for event in events]
    assert len(fetch(subscription, after=0, limit=10)) == 2


def test_what_was_fetched_goes_with_its_event(bot: Bot, platform: respx.MockRouter) -> None:
    answers(platform, "om_m", item("om_m"), item("om_1"))
    event = merged(bot)
    expansion_of(event)
    delete_events([event.pk])
    assert not EventExpansion.objects.exists()

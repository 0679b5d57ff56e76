import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import Bot
from core.access.models import AuditEntry
from core.access.scopes import Scope
from events.enums import DeliveryStatus, EventStatus, RunStatus
from events.handling.registry import HandlerRegistry, on
from events.log import index_paths, search
from events.models import Delivery, Event, HandlerRun
from tests.events.log.rows import make_event
from tests.factories import make_bot, make_subscription, message_event
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db

TYPE = "shop.order_v1"


@pytest.fixture
def bot() -> Bot:
    return make_bot()


@pytest.fixture
def reader(bot: Bot) -> Client:
    return api_client(Scope.EVENTS_READ, Scope.EVENTS_REPLAY, bots=[bot])


@pytest.fixture
def stranger() -> Client:
    return api_client(Scope.EVENTS_READ, Scope.EVENTS_REPLAY, bots=[make_bot()])


@pytest.fixture
def shop(monkeypatch) -> str:
    """The name of a handler that is installed."""
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)

    def order(event: Event, bot: Bot) -> None: ...

    on(TYPE)(order)
    return f"{order.__module__}.{order.__qualname__}"


def listed(client: Client, bot: Bot, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/bots/{bot.app_id}/events", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_events_are_paged_newest_first(bot: Bot, reader: Client) -> None:
    events = [make_event(bot).pk for _ in range(5)]
    make_event(make_bot())
    found, cursor = [], ""
    while True:
        page = listed(reader, bot, limit=2, cursor=cursor)
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == events[::-1]


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"event_type": TYPE}, {"type": TYPE}),
        ({"status": EventStatus.DEAD}, {"status": "dead"}),
        ({"text": "needle 你好"}, {"q": "needle 你好"}),
        ({"event_id": "ev-1"}, {"q": "ev-1"}),
    ],
    ids=["type", "status", "payload", "id"],
)
def test_each_filter_narrows(bot: Bot, reader: Client, values: dict[str, Any], query: dict[str, Any]) -> None:
    make_event(bot)
    wanted = make_event(bot, **values)
    assert [item["id"] for item in listed(reader, bot, **query)["items"]] == [wanted.pk]


def test_time_range(bot: Bot, reader: Client) -> None:
    now = timezone.now()
    old = make_event(bot, received_at=now - timedelta(days=3))
    make_event(bot)
    until = (now - timedelta(days=1)).isoformat()
    assert [item["id"] for item in listed(reader, bot, until=until)["items"]] == [old.pk]
    assert old.pk not in [item["id"] for item in listed(reader, bot, since=until)["items"]]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1000},
        {"cursor": "x"},
        {"status": "x"},
        {"since": "2026-01-01T00:00:00"},
        {"q": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_a_problem(bot: Bot, reader: Client, query: dict[str, Any]) -> None:
    answer = reader.get(f"/api/v1/bots/{bot.app_id}/events", query)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"


def test_text_no_database_takes_is_refused(bot: Bot, reader: Client) -> None:
    answer = reader.get(f"/api/v1/bots/{bot.app_id}/events", {"q": "nothing\x00here"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_a_search_the_database_gave_up_on_is_a_problem(bot: Bot, reader: Client, monkeypatch) -> None:
    def slow(*_arguments: Any, **_options: Any) -> Any:
        raise search.SearchTooSlowError

    monkeypatch.setattr(import_module("feishu_portal.api.events"), "newest", slow)
    answer = reader.get(f"/api/v1/bots/{bot.app_id}/events")
    assert (answer.status_code, answer.json()["code"]) == (503, "search_too_slow")


def test_the_list_takes_as_many_queries_for_many_as_for_one(bot: Bot, reader: Client) -> None:
    taken = []
    listed(reader, bot)
    for _ in range(2):
        make_event(bot)
        make_event(bot)
        with CaptureQueriesContext(connection) as queries:
            listed(reader, bot, q="needle")
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_an_event_is_read_with_its_deliveries_and_without_secrets(bot: Bot, reader: Client) -> None:
    body = message_event(text="你好")
    body["event"]["token"] = "c-secret"
    event = make_event(bot, payload=json.dumps(body).encode())
    HandlerRun.objects.create(
        event=event, bot=bot, handler="shop", status=RunStatus.DEAD, attempts=2,
        error='Traceback\n{"token": "c-secret"}\nValueError: no stock',
    )  # fmt: skip
    answer = reader.get(f"/api/v1/events/{event.pk}")
    shown = answer.json()
    assert json.loads(shown["payload"]["event"]["message"]["content"]) == {"text": "你好"}
    assert shown["deliveries"][0]["error"] == "ValueError: no stock"
    assert (shown["deliveries"][0]["attempts"], shown["raw"]) == (2, None)
    for secret in ("c-secret", "verification-token"):
        assert secret not in answer.content.decode()


def test_deliveries_to_subscriptions_are_shown_behind_the_handler_runs(bot: Bot, reader: Client) -> None:
    event, receiver = make_event(bot), make_subscription(bot)
    Delivery.objects.create(event=event, bot=bot, subscription=receiver, status=DeliveryStatus.RETRYING)
    HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.SUCCEEDED)
    shown = reader.get(f"/api/v1/events/{event.pk}").json()["deliveries"]
    assert [(one["handler"], one["subscription"], one["status"]) for one in shown] == [
        ("shop", "", "succeeded"),
        ("", str(receiver.pk), "retrying"),
    ]


def test_deliveries_to_subscriptions_with_other_bots_are_not_shown(bot: Bot, reader: Client) -> None:
    event, wide = make_event(bot), make_subscription(bot, make_bot())
    Delivery.objects.create(event=event, bot=bot, subscription=wide, status=DeliveryStatus.RETRYING)
    assert reader.get(f"/api/v1/events/{event.pk}").json()["deliveries"] == []


def test_replay_sends_to_a_named_subscription_alone(bot: Bot, reader: Client, shop: str) -> None:
    event = make_event(bot, event_type=TYPE)
    receiver, _other = make_subscription(bot), make_subscription(bot)
    wanted = {"mode": "all", "subscriptions": [str(receiver.pk)]}
    answer = reader.post(f"/api/v1/events/{event.pk}/replay", wanted, "application/json")
    assert [one["subscription"] for one in answer.json()["deliveries"]] == [str(receiver.pk)]


def test_an_unreadable_event_is_read_as_text(bot: Bot, reader: Client) -> None:
    event = make_event(bot, payload=b'\xff{"token": "c-secret"', status=EventStatus.QUARANTINED)
    shown = reader.get(f"/api/v1/events/{event.pk}").json()
    assert shown["payload"] is None
    assert shown["raw"].startswith("\\xff")
    assert "c-secret" not in shown["raw"]


def test_replay_calls_the_failed_handlers_again(bot: Bot, reader: Client, shop: str) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.DEAD)
    HandlerRun.objects.create(event=event, bot=bot, handler=shop, status=RunStatus.DEAD)
    answer = reader.post(f"/api/v1/events/{event.pk}/replay", "", "application/json")
    assert answer.status_code == 202, answer.content
    [delivery] = answer.json()["deliveries"]
    assert (delivery["handler"], delivery["status"], delivery["round"]) == (shop, "pending", 1)
    entry = AuditEntry.objects.get(action="replay.started")
    assert (entry.actor, entry.app_id) == ("api:system 0", bot.app_id)


def test_replay_of_all_calls_those_that_succeeded_too(bot: Bot, reader: Client, shop: str) -> None:
    event = make_event(bot, event_type=TYPE)
    HandlerRun.objects.create(event=event, bot=bot, handler=shop, status=RunStatus.SUCCEEDED)
    path = f"/api/v1/events/{event.pk}/replay"
    answer = reader.post(path, {"mode": "failed"}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_replay")
    assert reader.post(path, {"mode": "all", "handlers": ["other"]}, "application/json").status_code == 409
    assert reader.post(path, {"mode": "all", "handler": ["other"]}, "application/json").status_code == 422
    assert reader.post(path, {"mode": "all", "handlers": [shop]}, "application/json").status_code == 202


@pytest.mark.parametrize("scope", [Scope.EVENTS_READ, Scope.EVENTS_REPLAY])
def test_each_scope_opens_its_own_door_alone(bot: Bot, scope: Scope) -> None:
    client, event = api_client(scope, bots=[bot]), make_event(bot)
    reads, replays = scope == Scope.EVENTS_READ, scope == Scope.EVENTS_REPLAY
    assert (client.get(f"/api/v1/bots/{bot.app_id}/events").status_code == 200) == reads
    assert (client.get(f"/api/v1/events/{event.pk}").status_code == 200) == reads
    assert (
        client.post(f"/api/v1/events/{event.pk}/replay", "", "application/json").status_code != 403
    ) == replays


def test_a_stranger_cannot_tell_a_foreign_event_from_none(bot: Bot, stranger: Client) -> None:
    event = make_event(bot)
    for method, path in (("get", ""), ("post", "/replay")):
        foreign, unknown = (
            getattr(stranger, method)(f"/api/v1/events/{pk}{path}", {}, content_type="application/json")
            for pk in (event.pk, 999_999_999)
        )
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.content == unknown.content
    foreign, unknown = (stranger.get(f"/api/v1/bots/{name}/events") for name in (bot.app_id, "cli_none"))
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


def test_nobody_reads_without_a_key(bot: Bot) -> None:
    assert Client().get(f"/api/v1/bots/{bot.app_id}/events").status_code == 401


def test_one_client_has_a_quarter_of_the_searches_at_most(bot: Bot, reader: Client, monkeypatch):
    monkeypatch.setattr(search, "MAX_SCANS", 4)
    make_event(bot, text="needle")
    other = api_client(Scope.EVENTS_READ, bots=[bot])
    meanwhile: list[Any] = []

    def fetch_slowly(statement: index_paths.Statement) -> list[int]:
        if not meanwhile:
            meanwhile.append(None)  # once
            path = f"/api/v1/bots/{bot.app_id}/events"
            wanted = [(reader, {"q": "needle"}), (reader, {}), (other, {"q": "needle"})]
            meanwhile[:] = [client.get(path, query) for client, query in wanted]
        return index_paths.fetch_numbers(statement)

    monkeypatch.setattr(search, "fetch_numbers", fetch_slowly)
    assert len(listed(reader, bot, q="needle")["items"]) == 1
    assert [answer.status_code for answer in meanwhile] == [429, 200, 200]
    refused = meanwhile[0]
    assert (refused.json()["code"], refused["Retry-After"]) == ("too_many_searches", "1")
    assert len(listed(reader, bot, q="needle")["items"]) == 1

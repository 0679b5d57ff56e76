from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bots.connections import advice
from bots.connections.status import PATIENCE
from bots.enums import SlotState, Transport
from bots.models import Bot
from core.access.models import AuditEntry
from core.access.scopes import Scope
from feishu.codes import explain
from tests.factories import connect_slots, make_bot, make_operator
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db

NOT_FOUND = {"success": False, "error": "Bot not found or disabled"}


def operator(*bots: Bot, **options) -> Client:
    user = make_operator()
    for bot in bots:
        bot.owners.add(user)
    client = Client(**options)
    client.force_login(user)
    return client


def ask(client: Client, bot: Bot, what: str):
    return client.post(f"/api/feishu/bots/{bot.pk}/ws/{what}")


def status(client: Client, bot: Bot):
    return client.get(f"/api/feishu/bots/{bot.app_id}/ws/status")


@pytest.fixture
def bot() -> Bot:
    return make_bot(slot_count=2)


def test_disconnect_lets_go_and_connect_holds_again_with_who_did_it(bot):
    client = api_client(Scope.BOTS_MANAGE)
    assert ask(client, bot, "disconnect").json() == {
        "success": True,
        "botId": str(bot.pk),
        "status": "disconnected",
    }
    assert not Bot.objects.listening().exists()
    assert ask(client, bot, "connect").json() == {
        "success": True,
        "botId": str(bot.pk),
        "status": "connecting",
    }
    assert Bot.objects.listening().get() == bot
    actions = AuditEntry.objects.filter(actor="api:system 0").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["bot.disconnect", "bot.connect"]
    assert set(AuditEntry.objects.filter(action__in=actions).values_list("address", flat=True)) == {
        "127.0.0.1"
    }


def test_connect_of_a_connected_bot_makes_its_connections_again(bot):
    ask(api_client(Scope.BOTS_MANAGE), bot, "connect")
    assert Bot.objects.get().reconnect_asked_at is not None


def test_webhook_bot_is_brought_to_the_long_connection():
    bot = make_bot(transport=Transport.WEBHOOK)
    assert ask(api_client(Scope.BOTS_MANAGE), bot, "connect").status_code == 200
    assert Bot.objects.listening().get() == bot
    actions = AuditEntry.objects.filter(actor="api:system 0").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["bot.updated", "bot.connect"]


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("connect", {"enabled": False}),
        ("connect", {"enabled": False, "transport": Transport.WEBHOOK}),
        ("disconnect", {"enabled": False}),
        ("disconnect", {"transport": Transport.WEBHOOK}),
    ],
)
def test_bot_that_cannot_hold_connections_is_refused(values, what):
    response = ask(api_client(Scope.BOTS_MANAGE), make_bot(**values), what)
    assert (response.status_code, response.json()) == (400, NOT_FOUND)


def test_status_of_a_connected_bot(bot):
    now = timezone.now().replace(microsecond=250_000)
    connect_slots(bot.slots.filter(number=1), connected_at=now, last_heartbeat_at=now)
    text = now.strftime("%Y-%m-%dT%H:%M:%S.250Z")
    assert status(api_client(Scope.BOTS_READ), bot).json() == {
        "botId": str(bot.pk),
        "state": "connected",
        "connectedAt": text,
        "lastHeartbeat": text,
    }


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (SlotState.STOPPED, SlotState.STOPPED, "connecting"),
        (SlotState.BACKOFF, SlotState.CONNECTING, "connecting"),
        (SlotState.ERROR, SlotState.CONNECTED, "connected"),
        (SlotState.ERROR, SlotState.CONNECTING, "error"),
    ],
)
def test_status_is_that_of_all_slots_together(bot, first, second, state):
    connect_slots(bot.slots)
    bot.slots.filter(number=1).update(state=first)
    bot.slots.filter(number=2).update(state=second)
    assert status(api_client(Scope.BOTS_READ), bot).json()["state"] == state


def test_bot_whose_process_died_is_not_called_connected(bot):
    connect_slots(bot.slots, connected_at=timezone.now())
    bot.slots.update(lease_until=timezone.now() - timedelta(seconds=1))
    answer = status(api_client(Scope.BOTS_READ), bot).json()
    assert (answer["state"], answer["connectedAt"]) == ("connecting", None)


def test_what_is_wrong_with_one_of_two_connections_is_a_warning(bot):
    connect_slots(bot.slots)
    bot.slots.filter(number=2).update(state=SlotState.ERROR, error_code=1000040350)
    answer = status(api_client(Scope.BOTS_READ), bot).json()
    assert (answer["state"], answer["error"]) == ("connected", explain(1000040350).cause.en_us)


def test_connection_without_heartbeats_is_not_called_connected(bot):
    connect_slots(bot.slots, heartbeat_due_at=timezone.now() - timedelta(seconds=1))
    answer = status(api_client(Scope.BOTS_READ), bot).json()
    assert (answer["state"], answer["error"]) == ("connecting", advice.SILENT.cause.en_us)


def test_bot_that_no_process_holds_for_long_is_an_error_that_says_so(bot):
    Bot.objects.update(created_at=timezone.now() - PATIENCE)
    answer = status(api_client(Scope.BOTS_READ), bot).json()
    assert (answer["state"], answer["error"]) == ("error", advice.NOT_HELD.cause.en_us)


def test_all_statuses_come_in_pages_that_say_whether_there_are_more():
    bots = sorted((make_bot() for _ in range(3)), key=lambda bot: bot.app_id)
    client = api_client(Scope.BOTS_READ)
    first = client.get("/api/feishu/ws/status?limit=2").json()
    assert [one["botId"] for one in first["connections"]] == [str(bot.pk) for bot in bots[:2]]
    last = client.get("/api/feishu/ws/status", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["botId"] for one in last["connections"]] == [str(bots[2].pk)]
    assert last["next_cursor"] is None
    assert client.get("/api/feishu/ws/status?limit=1001").status_code == 422


def test_routes_are_described_with_the_others():
    paths = Client().get("/api/v1/openapi.json").json()["paths"]
    parameters = paths["/api/feishu/ws/status"]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == {"limit", "cursor"}
    assert "/api/feishu/bots/{bot_id}/ws/connect" in paths


def test_status_names_the_error(bot):
    bot.slots.update(state=SlotState.ERROR, error_message="code 1000040345")
    assert status(api_client(Scope.BOTS_READ), bot).json()["error"] == "code 1000040345"


def test_status_names_the_cause_beside_a_bare_http_status(bot):
    bot.slots.update(
        state=SlotState.ERROR, error_reason="http", error_message="HTTP 502", error_at=timezone.now()
    )
    error = status(api_client(Scope.BOTS_READ), bot).json()["error"]
    assert error.endswith("(HTTP 502)")
    assert len(error) > 20


def test_status_of_a_bot_let_go_is_disconnected(bot):
    ask(api_client(Scope.BOTS_MANAGE), bot, "disconnect")
    assert status(api_client(Scope.BOTS_READ), bot).json()["state"] == "disconnected"


def test_all_statuses_cost_the_same_for_one_and_three_bots(django_assert_num_queries):
    client = api_client(Scope.BOTS_READ)
    client.get("/api/feishu/ws/status")
    for _ in range(2):
        make_bot()
        with django_assert_num_queries(4):  # key, bots, counts of the platform, slots
            client.get("/api/feishu/ws/status")
    assert len(client.get("/api/feishu/ws/status").json()["connections"]) == 2


def test_operator_who_owns_the_bot_may_ask(bot):
    client = operator(bot)
    assert ask(client, bot, "disconnect").status_code == 200
    assert status(client, bot).json()["state"] == "disconnected"
    assert [one["botId"] for one in client.get("/api/feishu/ws/status").json()["connections"]] == [
        str(bot.pk)
    ]


@pytest.mark.parametrize(
    "stranger", [lambda: operator(make_bot()), lambda: api_client(*Scope, bots=[make_bot()])]
)
def test_stranger_cannot_tell_the_bot_from_one_that_is_not_there(bot, stranger):
    client = stranger()
    for response in (ask(client, bot, "connect"), ask(client, bot, "disconnect"), status(client, bot)):
        assert (response.status_code, response.json()) == (400, NOT_FOUND)
    assert str(bot.pk) not in client.get("/api/feishu/ws/status").text
    assert Bot.objects.get(pk=bot.pk).connect


def test_key_without_the_scope_and_nobody_at_all_are_refused(bot):
    assert ask(api_client(Scope.BOTS_READ), bot, "connect").status_code == 403
    assert status(api_client(Scope.BOTS_MANAGE), bot).status_code == 403
    assert ask(Client(), bot, "connect").status_code == 401


def test_operator_needs_the_csrf_token_to_change_something(bot):
    assert ask(operator(bot, enforce_csrf_checks=True), bot, "disconnect").status_code == 403
    assert Bot.objects.get(pk=bot.pk).connect


def test_status_of_a_bot_that_waits_says_when_it_is_tried_again(bot):
    connect_slots(bot.slots)
    bot.slots.update(state=SlotState.BACKOFF, next_attempt_at=timezone.now() + timedelta(seconds=40))
    answer = status(api_client(Scope.BOTS_READ), bot).json()
    assert (answer["state"], bool(answer["error"])) == ("connecting", True)
    assert answer["nextAttempt"].endswith("Z")

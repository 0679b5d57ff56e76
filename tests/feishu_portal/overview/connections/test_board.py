import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bots.connections.control import disconnect
from bots.enums import LossReason, SlotState
from bots.models import Bot, ConnectionLoss, FleetProcess, PlatformCount
from core.access.actors import Actor
from feishu_portal.overview.connections import board
from tests.console.rows import signed_in, text_of
from tests.factories import make_bot, make_operator
from tests.feishu_portal.overview.connections.conftest import hold, make_process

pytestmark = pytest.mark.django_db


def row_of(client: Client, bot: Bot) -> str:
    html = text_of(client.get(reverse("connections")))
    return html[html.index(f'id="bot-{bot.pk}"') :].partition("</tbody>")[0]


def health_of(client: Client, bot: Bot) -> str:
    return re.search(r'data-health="(\w+)"', row_of(client, bot))[1]


# --- what is said of a bot


def test_bot_with_a_connection_is_connected(client, process):
    bot = make_bot()
    hold(bot, process)
    assert health_of(client, bot) == "connected"
    assert 'data-testid="reason"' not in row_of(client, bot)


@pytest.mark.parametrize(
    ("values", "health", "words"),
    [
        ({"state": SlotState.CONNECTING}, "connecting", "Connecting"),
        ({"state": SlotState.ERROR, "error_code": 1000040345}, "error", "1000040345"),
        ({"state": SlotState.BACKOFF}, "reconnecting", "was lost and is being made again"),
        ({"state": SlotState.CONNECTING, "error_at": timedelta(0)}, "reconnecting", "is being made again"),
        (
            {"heartbeat_due_at": timedelta(seconds=-1)},
            "reconnecting",
            "nothing has been received",
        ),
        ({"lease_until": timedelta(minutes=-1)}, "error", "No process holds this connection"),
        ({"lease_until": timedelta(0)}, "reconnecting", "No process holds this connection"),
        ({"heartbeat_deviation": 9.0}, "connected", "unsteady heartbeat"),
    ],
)
def test_health_of_a_bot_and_what_to_do(client, process, values, health, words):
    bot = make_bot()
    hold(bot, process, **values)
    assert health_of(client, bot) == health
    assert words in row_of(client, bot)


def test_bot_that_nobody_holds_is_visibly_not_connected_with_what_to_do(client):
    bot = make_bot()
    Bot.objects.update(created_at=timezone.now() - timedelta(hours=1))
    row = row_of(client, bot)
    assert health_of(client, bot) == "error"
    assert "Not connected" in row
    assert "No runfeishu process is running" in row
    assert "manage.py runfeishu" in row


def test_new_bot_gets_a_moment_before_that_is_an_error(client):
    assert health_of(client, make_bot()) == "connecting"


def test_processes_confined_to_other_bots_are_named_as_the_reason(client):
    make_process(only=["cli_other"])
    bot = make_bot()
    Bot.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert "confined to other bots" in row_of(client, bot)


def test_outage_has_its_whole_age_and_the_next_attempt_apart(client, process):
    bot = make_bot()
    hold(
        bot, process, state=SlotState.BACKOFF, lease_until=timedelta(hours=1), down_since=timedelta(hours=-3),
        next_attempt_at=timedelta(minutes=50, seconds=59), error_at=timezone.now(),
    )  # fmt: skip
    html = row_of(client, bot)
    assert html.count(">3 h</time>") == 2, "of the bot, and of its connection"
    assert "next attempt in" in html
    assert ">50 min</time>" in html
    listed = text_of(client.get(reverse("admin:bots_bot_changelist")))
    assert ">3 h</time>" in listed
    assert ">50 min</time>" in listed


def test_one_of_two_connections_is_connected_with_a_warning_that_says_how_many_are(client, process):
    bot = make_bot(slot_count=2)
    hold(bot, process)
    bot.slots.filter(number=1).update(state=SlotState.BACKOFF)
    row = row_of(client, bot)
    assert health_of(client, bot) == "warning"
    assert "1 of 2 connected" in row
    assert "was lost and is being made again" in row


def test_foreign_connection_is_a_warning_though_the_own_ones_are_open(client, process):
    bot = make_bot()
    hold(bot, process)
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=1, more_counts=2)
    row = row_of(client, bot)
    assert health_of(client, bot) == "warning"
    assert "the portal holds 1: the other 2 take events away" in row


def test_disconnected_bot_says_by_whom(client):
    bot = make_bot()
    disconnect([bot], actor=Actor("operator", "anna"))
    assert health_of(client, bot) == "disconnected"
    assert "Disconnected by Operator · anna" in row_of(client, bot)


def test_webhook_bot_is_shown_as_such(client):
    bot = make_bot(transport="webhook")
    assert health_of(client, bot) == "webhook"
    assert "no event yet" in row_of(client, bot)


def test_losses_of_the_past_day_are_counted_but_for_those_that_were_wanted(client, process):
    bot = make_bot()
    hold(bot, process)
    now = timezone.now()
    for reason, at in [
        (LossReason.NETWORK, now), (LossReason.SILENT, now), (LossReason.MOVED, now),
        (LossReason.NETWORK, now - timedelta(hours=30)),
    ]:  # fmt: skip
        ConnectionLoss.objects.create(bot=bot, number=1, at=at, reason=reason)
    assert re.search(r'class="board-lost".*?</span>2</span>', row_of(client, bot), re.DOTALL)


# --- processes


def test_process_shows_capacity_load_and_what_is_special(client, process):
    make_process("app-2:200", draining=True)
    make_process("app-3:300", only=["cli_a", "cli_b"])
    FleetProcess.objects.create(
        id=uuid4(), name="app-4:400", seen_at=timezone.now() - timedelta(minutes=2), capacity=50
    )
    hold(make_bot(slot_count=3), process)
    html = text_of(client.get(reverse("connections")))
    for words in ("app-1:100", "3/50", "stopping", "2 bots only", "gone for"):
        assert words in html


# --- who sees what


def test_stranger_sees_neither_foreign_bots_nor_the_load_they_make(process):
    mine, theirs = make_bot(name="Mine"), make_bot(name="Theirs")
    elsewhere = make_process("secret-host:9")
    hold(mine, process)
    hold(theirs, process)
    hold(make_bot(), elsewhere)
    owner = make_operator()
    mine.owners.add(owner)
    html = text_of(signed_in(owner).get(reverse("connections")))
    assert "Mine" in html
    for secret in ("Theirs", str(theirs.pk), "secret-host"):
        assert secret not in html
    assert not re.search(r"/50\b", html)
    assert re.search(r"1\s+connection\b", html)


def test_panel_tells_about_one_connection_and_nothing_to_a_stranger(client, process):
    bot = make_bot()
    hold(bot, process, heartbeat_average=30.0, heartbeat_deviation=0.4)
    ConnectionLoss.objects.create(
        bot=bot, number=1, at=timezone.now(), reason=LossReason.SILENT, message="70 s"
    )
    address = reverse("connections-panel", args=[bot.slots.get().pk])
    html = text_of(client.get(address))
    for words in (bot.name, process.name, "every 30 s ± 0.4 s · steady", "Nothing received × 1", "70 s"):
        assert words in html
    stranger = signed_in(make_operator())
    foreign = stranger.get(address)
    missing = stranger.get(reverse("connections-panel", args=[10**9]))
    assert (
        (foreign.status_code, foreign.content)
        == (missing.status_code, missing.content)
        == (404, missing.content)
    )


@pytest.mark.parametrize("name", ["connections", "connections-changes", "bots-changes"])
def test_nobody_is_sent_to_the_login_page(name):
    assert Client().get(reverse(name))["Location"].startswith("/admin/login/")


# --- the page


def test_page_reads_the_same_number_of_times_for_many_bots(client, process):
    hold(make_bot(), process)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("connections"))
    for _ in range(4):
        hold(make_bot(slot_count=2), make_process(f"app:{uuid4()}"))
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("connections"))
    assert len(many) == len(one)


def test_more_bots_than_are_drawn_make_a_page_of_bounded_weight(client):
    processes = [make_process(f"app-{number}:1") for number in range(5)]
    for number in range(board.MOST + 1):
        hold(make_bot(), processes[number % 5])
    answer = client.get(reverse("connections"))
    assert answer.content.count(b"<tbody") == board.MOST
    assert len(answer.content) < 500_000


def test_bots_that_are_not_drawn_are_counted_all_the_same(client, root, process, monkeypatch):
    monkeypatch.setattr(board, "MOST", 2)
    for number, state in enumerate(
        [SlotState.CONNECTED, SlotState.CONNECTED, SlotState.ERROR, SlotState.BACKOFF]
    ):
        hold(make_bot(name=f"Bot {number}"), process, state)
    make_bot(name="Bot 5", transport="webhook")

    html = text_of(client.get(reverse("connections")))

    assert re.findall(r'data-find="(Bot \d)', html) == ["Bot 2", "Bot 3"]
    counts = dict(re.findall(r'data-show="(\w*)".*?class="board-count">(\d+)<', html, re.DOTALL))
    assert {health: int(count) for health, count in counts.items() if count != "0"} == {
        "": 5, "error": 1, "reconnecting": 1, "connected": 2, "webhook": 1,
    }  # fmt: skip
    more = html.partition('data-testid="left-out"')[2].partition("</p>")[0]
    assert "3 more bots are not drawn" in more
    assert reverse("admin:bots_bot_changelist") in more
    assert re.search(r"4/50\b", html), "the load of a process is that of all bots"
    with CaptureQueriesContext(connection) as read:
        board.read_board(root)
    assert len(read) == 10, "however many bots there are"
    connected = text_of(client.get(reverse("connections"), {"show": "connected", "q": "bot 1"}))
    assert re.findall(r'data-find="(Bot \d)', connected) == ["Bot 1"], "the filter reaches what was not drawn"
    assert 'data-testid="left-out"' not in connected
    nothing = text_of(client.get(reverse("connections"), {"q": "nobody"}))
    assert 'data-testid="nothing">' in nothing
    monkeypatch.setattr(board, "MAX_COUNT", 3)
    assert str(board.read_board(root).total) == "3+"


def test_filter_and_search_work_without_script(client, process):
    well, ill = make_bot(name="Well"), make_bot(name="Ill")
    hold(well, process)
    hold(ill, process, SlotState.BACKOFF)
    shown = {
        query: re.findall(
            r'data-find="(\w+) [^"]*" data-testid="[^"]*">',
            text_of(client.get("/admin/connections/" + query)),
        )
        for query in (
            "",
            "?show=reconnecting",
            "?show=connected",
            "?q=wel",
            f"?q={ill.app_id}",
            "?show=nonsense",
        )
    }
    assert shown == {
        "": ["Ill", "Well"],
        "?show=reconnecting": ["Ill"],
        "?show=connected": ["Well"],
        "?q=wel": ["Well"],
        f"?q={ill.app_id}": ["Ill"],
        "?show=nonsense": ["Ill", "Well"],
    }


def test_page_without_bots_says_what_to_do(client):
    assert 'data-testid="empty"' in text_of(client.get(reverse("connections")))

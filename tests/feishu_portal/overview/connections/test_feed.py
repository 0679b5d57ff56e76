"""What an open page of connections is told later."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bots.enums import SlotState
from bots.models import Bot, ConnectionSlot
from core.access.models import User
from core.console.live import Changes
from core.console.live.viewers import Viewer
from feishu_portal.overview.connections import board
from feishu_portal.overview.connections.board import read_board
from feishu_portal.overview.connections.feed import BoardFeed
from tests.console.rows import signed_in
from tests.factories import make_bot, make_operator
from tests.feishu_portal.overview.connections.conftest import hold, make_process

pytestmark = pytest.mark.django_db


def hello_of(user: User) -> dict:
    found = read_board(user)
    rows = {row.id: row.digest for row in found.rows}
    return json.loads(json.dumps({"columns": found.columns, "heads": found.heads, "rows": rows}))


def begun(user: User) -> BoardFeed:
    feed = BoardFeed()
    feed.start(hello_of(user))
    feed.read(Viewer(user, "en"), feed.everything())
    return feed


def hint(topic: str, *keys: object) -> Changes:
    changes = Changes()
    changes.add(topic, map(str, keys))
    return changes


def test_page_that_is_up_to_date_is_told_the_times_once_and_then_nothing(root, process):
    hold(make_bot(), process)
    feed = BoardFeed()
    feed.start(hello_of(root))
    [first] = feed.read(Viewer(root, "en"), feed.everything())
    assert set(first) == {"type", "now", "times"}
    assert feed.read(Viewer(root, "en"), feed.everything()) == []


def test_page_is_told_the_one_row_that_changed(root, process):
    bot, other = make_bot(), make_bot()
    hold(bot, process)
    hold(other, process)
    feed = begun(root)
    bot.slots.update(state=SlotState.BACKOFF)
    [news] = feed.read(Viewer(root, "en"), hint("slots", bot.slots.get().pk))
    assert set(news["rows"]) == {str(bot.pk)}
    assert 'data-health="reconnecting"' in news["rows"][str(bot.pk)]


def test_frames_move_a_time_and_no_row(root, process):
    bot = make_bot()
    hold(bot, process)
    feed = begun(root)
    bot.slots.update(last_frame_at=timezone.now() + timedelta(seconds=3))
    [news] = feed.read(Viewer(root, "en"), feed.everything())
    assert set(news) == {"type", "now", "times"}
    assert set(news["times"]) == {f"frame-{bot.slots.get().pk}"}


def test_bot_that_is_gone_or_out_of_sight_leaves_the_page(process):
    owner = make_operator()
    bot = make_bot()
    bot.owners.add(owner)
    hold(bot, process)
    feed = begun(owner)
    bot.owners.clear()
    [news] = feed.read(Viewer(owner, "en"), hint("bots", bot.pk))
    assert news["gone"] == [str(bot.pk)]
    assert "rows" not in news


def test_foreign_bot_that_changes_is_told_to_nobody_else(process):
    owner, theirs = make_operator(), make_bot()
    mine = make_bot()
    mine.owners.add(owner)
    hold(mine, process)
    hold(theirs, process)
    feed = begun(owner)
    theirs.slots.update(state=SlotState.ERROR)
    assert feed.read(Viewer(owner, "en"), hint("slots", theirs.slots.get().pk)) == []


def test_new_process_is_a_new_column_on_every_row(root, process):
    hold(make_bot(), process)
    hold(make_bot(), process)
    feed = begun(root)
    make_process("app-2:200")
    changes = Changes()
    changes.add("processes", None)
    [news] = feed.read(Viewer(root, "en"), changes)
    assert "app-2:200" in news["heads"]["html"]
    assert len(news["rows"]) == 2


def test_hint_about_one_bot_is_read_with_a_fixed_number_of_queries(root, process, django_assert_num_queries):
    for _ in range(5):
        hold(make_bot(), process)
    feed = begun(root)
    changes = hint("bots", *Bot.objects.values_list("pk", flat=True))
    with django_assert_num_queries(6):  # bots, losses, counts of the platform, slots, loads, processes
        feed.read(Viewer(root, "en"), changes)


def test_page_that_draws_some_bots_is_told_the_number_of_all(root, process, monkeypatch):
    monkeypatch.setattr(board, "MOST", 1)
    bots = [make_bot(), make_bot()]
    for bot in bots:
        hold(bot, process)
    feed = begun(root)
    assert feed.read(Viewer(root, "en"), feed.everything()) == []
    bots[0].slots.update(state=SlotState.ERROR)
    [news] = feed.read(Viewer(root, "en"), feed.everything())
    assert {health: count for health, count in news["counts"].items() if count != "0"} == {
        "": "2", "error": "1", "connected": "1"
    }  # fmt: skip
    bots[1].delete()
    [news] = feed.read(Viewer(root, "en"), feed.everything())
    assert news["counts"] == {}, "the page counts what it draws"


def test_polling_is_answered_what_a_socket_would_send(client, root, process):
    bot = make_bot()
    hold(bot, process)
    hello = hello_of(root)
    ConnectionSlot.objects.update(state=SlotState.BACKOFF)
    answer = client.post(reverse("connections-changes"), hello, content_type="application/json")
    [message] = answer.json()["messages"]
    assert set(message["rows"]) == {str(bot.pk)}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"rows": 3}', "null"])
def test_polling_with_nonsense_is_a_bad_request(client, body):
    for name in ("connections-changes", "bots-changes"):
        assert client.post(reverse(name), body, content_type="application/json").status_code == 400


def test_labels_of_bots_on_other_pages_are_told_to_those_who_may_see_them(client, process):
    bot = make_bot()
    hold(bot, process)
    hello = {"badges": {str(bot.pk): "old"}}
    [message] = client.post(reverse("bots-changes"), hello, content_type="application/json").json()[
        "messages"
    ]
    assert "Connected" in message["badges"][str(bot.pk)]["html"]
    stranger = signed_in(make_operator())
    answer = stranger.post(reverse("bots-changes"), hello, content_type="application/json")
    assert answer.json() == {"messages": []}

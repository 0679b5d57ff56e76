"""Events over time on the overview, on a bot's page and in the list of bots."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.models import User
from core.console.live.viewers import Viewer
from events.log.counting import hour_of
from events.log.history import DAY
from events.models import Event, EventCount
from events.models.counts import HOUR
from feishu_portal.overview import figures
from feishu_portal.overview.connections.badges import BadgesFeed
from tests.console.rows import make_event, make_token, signed_in, text_of
from tests.factories import make_bot, make_operator

INDEX = "/admin/"


@pytest.fixture(autouse=True)
def within_an_hour(time_machine) -> None:
    """No hour begins between what a test counts and what it looks at."""
    time_machine.move_to(timezone.now().replace(minute=32), tick=False)


def counted(bot: Bot, hours: int = 0, **numbers: int) -> EventCount:
    start = hour_of(timezone.now()) - timedelta(hours=hours)
    return EventCount.objects.create(bot=bot, start=start, minutes=HOUR, **numbers)


def page_of(bot: Bot) -> str:
    return reverse("admin:bots_bot_change", args=[bot.pk])


def number(html: str, name: str) -> str:
    """One number of the panel, with what stands below it, as text."""
    [found] = re.findall(rf'data-testid="figure-{name}">(.*?)</div>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def bars(html: str) -> list[tuple[str, str]]:
    """Address and words of each bar."""
    return [
        (link.replace("&amp;", "&"), words)
        for link, words in re.findall(r'<a href="([^"]*)" aria-label="([^"]*)"><title>', html)
    ]


def test_overview_shows_a_day_in_bars_that_lead_to_their_events(as_superuser: Client) -> None:
    bot = make_bot()
    counted(bot, done=3, failed=1, within_1s=3)
    counted(bot, 5, ignored=2)
    Event.objects.filter(pk=make_event(bot).pk).update(received_at=timezone.now())
    html = text_of(as_superuser.get(INDEX))
    [(_, earlier), (link, latest)] = bars(html)
    assert earlier.endswith(": 2 events, No handler 2")
    assert latest.endswith(": 4 events, Done 3, Failed 1")
    assert as_superuser.get(link).context["cl"].result_count == 1
    assert number(html, "events").startswith("Events 6")
    assert number(html, "success") == "Success rate 75%"
    assert "ms" in number(html, "p95")


@pytest.mark.parametrize(
    ("span", "chosen"), [("1h", "1h"), ("7d", "7d"), ("24h", "24h"), ("", "24h"), ("x", "24h")]
)
def test_span_is_part_of_the_address(as_superuser: Client, span: str, chosen: str) -> None:
    counted(make_bot(), done=1)
    html = text_of(as_superuser.get(INDEX, {"span": span}))
    assert re.findall(r'aria-current="page" data-testid="span-(\w+)"', html) == [chosen]


def test_numbers_stand_beside_those_of_the_time_before(as_superuser: Client) -> None:
    bot = make_bot()
    counted(bot, 1, done=12, within_2s=12)
    counted(bot, 30, done=8, failed=2, within_500ms=8)
    html = text_of(as_superuser.get(INDEX))
    assert number(html, "events") == "Events 12 +20% against the time before"
    assert number(html, "success") == "Success rate 100% before: 80%"
    assert number(html, "p95") == "From Feishu to done, p95 1.9 s before: 488 ms"


def test_nothing_is_no_percentage(as_superuser: Client) -> None:
    make_bot()
    html = text_of(as_superuser.get(INDEX))
    assert 'data-testid="figures-empty"' in html
    assert number(html, "events") == "Events 0"
    assert number(html, "success") == "Success rate —"
    assert bars(html) == []


def test_a_rate_is_rounded_to_no_hundred(as_superuser: Client) -> None:
    counted(make_bot(), done=9999, failed=1)
    assert number(text_of(as_superuser.get(INDEX)), "success") == "Success rate 99.9%"


def test_authorizations_that_end_soon_lead_to_their_list(as_superuser: Client) -> None:
    bot = make_bot()
    soon, late = make_token(bot), make_token(bot)
    for token, days in ((soon, 6), (late, 8)):
        UserToken.objects.filter(pk=token.pk).update(reauthorize_by=timezone.now() + timedelta(days=days))
    html = text_of(as_superuser.get(INDEX))
    assert number(html, "ending").endswith(" 1")
    listed = as_superuser.get(reverse("admin:auth_sessions_usertoken_changelist"), {"ending": "7d"})
    assert list(listed.context["cl"].result_list) == [soon]


def test_stranger_sees_the_own_bots_alone(db: None) -> None:
    mine, other = make_bot(), make_bot()
    user = make_operator("lin")
    mine.owners.add(user)
    counted(mine, done=2)
    counted(other, done=40)
    client = signed_in(user)
    assert number(text_of(client.get(INDEX)), "events").startswith("Events 2")
    assert number(text_of(client.get(page_of(mine))), "events").startswith("Events 2")
    assert client.get(page_of(other)).status_code == 404
    assert figures.read(user, DAY, bot=other.pk) is None


def test_a_bots_page_is_about_that_bot(as_superuser: Client) -> None:
    bot = make_bot()
    counted(bot, done=2)
    counted(make_bot(), done=40)
    html = text_of(as_superuser.get(page_of(bot)))
    [(link, _words)] = bars(html)
    assert f"bot__id__exact={bot.pk}" in link
    assert number(html, "events").startswith("Events 2")


def begun(user: User, bot: str = "") -> BadgesFeed:
    feed = BadgesFeed()
    feed.start({"badges": {}, "figures": {"span": "24h", "bot": bot, "digest": "x"}})
    return feed


def news(feed: BadgesFeed, user: User) -> list[str]:
    feed._figures_due = 0.0
    with override("en"):
        found = list(feed.read(Viewer(user, "en"), feed.everything()))
    return [message["figures"]["html"] for message in found if message["type"] == "figures"]


def test_open_page_shows_what_was_counted_since(superuser: User) -> None:
    bot = make_bot()
    feed = begun(superuser)
    assert len(news(feed, superuser)) == 1
    assert news(feed, superuser) == []
    counted(bot, done=7)
    [html] = news(feed, superuser)
    assert number(html, "events").startswith("Events 7")


def test_open_page_of_a_stranger_learns_nothing(db: None) -> None:
    bot, user = make_bot(), make_operator("stranger")
    counted(bot, done=7)
    assert news(begun(user, str(bot.pk)), user) == []


def test_panel_takes_as_many_queries_for_many_bots_as_for_one(superuser: User) -> None:
    taken = []
    for count in (1, 5):
        for _ in range(count):
            bot = make_bot()
            for hours in range(3):
                counted(bot, hours, done=1)
        with CaptureQueriesContext(connection) as queries:
            figures.read(superuser, DAY)
        taken.append(len(queries))
    assert taken == [3, 3]


def test_list_of_bots_shows_a_day_and_the_last_message(as_superuser: Client) -> None:
    bot, quiet = make_bot(), make_bot()
    counted(bot, done=1200)
    make_event(bot)
    html = text_of(as_superuser.get(reverse("admin:bots_bot_changelist")))
    assert "1,200 events in the past 24 hours" in html
    assert html.count("figures-spark") == 1
    assert quiet.name in html


def test_list_of_bots_reads_their_activity_in_two_queries(as_superuser: Client) -> None:
    from events.admin.activity import activity  # noqa: PLC0415 -- an admin module

    rows = [make_bot() for _ in range(4)]
    for bot in rows:
        counted(bot, done=1)
        make_event(bot)
    with CaptureQueriesContext(connection) as queries:
        found = activity(rows)
    assert len(queries) == 2
    assert set(found) == {bot.pk for bot in rows}

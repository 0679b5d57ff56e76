"""What open pages that show labels and checklists of bots are told later."""

import pytest
from django.utils import timezone
from django.utils.translation import override

from bots.doctor.findings import Check, Finding
from bots.doctor.records import keep
from bots.enums import CheckResult
from bots.models import Bot
from core.access.models import User
from core.console.live import Changes
from core.console.live.viewers import Viewer
from events.enums import Arrived, EventStatus
from events.models import Event
from feishu.text import Text
from feishu_portal.overview.connections import badges
from feishu_portal.overview.connections.badges import MOST_CHECKLISTS, BadgesFeed
from tests.console.rows import make_event
from tests.factories import connect_slots, make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_every_read(monkeypatch) -> None:
    monkeypatch.setattr(badges, "FINDINGS_EVERY", 0.0)


def begun(user: User, bot: Bot) -> BadgesFeed:
    """The feed of a page that is up to date."""
    feed = BadgesFeed()
    feed.start({"badges": {}, "checklists": {str(bot.pk): ""}, "problems": "x"})
    news_of(feed, user)
    return feed


def make_connected() -> Bot:
    """One that stays as it is, however long the test takes."""
    bot = make_bot()
    connect_slots(bot.slots)
    return bot


def news_of(feed: BadgesFeed, user: User, changes: Changes | None = None) -> dict[str, dict]:
    with override("en"):
        return {one["type"]: one for one in feed.read(Viewer(user, "en"), changes or feed.everything())}


def found(bot: Bot, result: CheckResult) -> None:
    words = Text("没有登记", "Not registered")
    keep(bot, [Finding(Check.REDIRECT_URL, result, words, words)], looked_at=timezone.now())


def test_open_row_appears_and_turns_green_on_the_open_page_and_the_overview(root):
    bot = make_connected()
    feed = begun(root, bot)
    assert news_of(feed, root) == {}
    found(bot, CheckResult.WRONG)
    news = news_of(feed, root)
    html = news["checklists"]["checklists"][str(bot.pk)]["html"]
    assert 'data-check="redirect_url" data-result="wrong"' in html
    assert f"Nobody can authorize “{bot.name}”" in news["problems"]["problems"]["html"]
    found(bot, CheckResult.OK)
    news = news_of(feed, root)
    assert "Everything is set up" in news["checklists"]["checklists"][str(bot.pk)]["html"]
    assert "Nobody can authorize" not in news["problems"]["problems"]["html"]
    assert news_of(feed, root) == {}


def test_first_message_turns_its_row_green_without_an_examination(root):
    bot = make_bot()
    waiting = Finding(Check.FIRST_MESSAGE, CheckResult.WAITING, Text("等", "Waiting"), Text("写", "Write"))
    keep(bot, [waiting], looked_at=timezone.now())
    feed = begun(root, bot)
    Event.objects.create(
        bot=bot,
        dedupe_key="1",
        event_type="im.message.receive_v1",
        arrived_by=Arrived.WEBSOCKET,
        payload=b"{}",
        created_at=timezone.now(),
    )
    html = news_of(feed, root)["checklists"]["checklists"][str(bot.pk)]["html"]
    assert 'data-check="first_message" data-result="ok"' in html


def verdict_of(feed: BadgesFeed, user: User) -> dict | None:
    return news_of(feed, user).get("verdict", {}).get("verdict")


def test_verdict_follows_what_changes_and_is_read_every_few_seconds_at_most(root, monkeypatch):
    bot, stranger = make_connected(), make_operator("stranger")
    feeds = {user: BadgesFeed() for user in (root, stranger)}
    for feed in feeds.values():
        feed.start({"badges": {}, "verdict": "x"})
    before = verdict_of(feeds[root], root)
    assert before is not None
    assert verdict_of(feeds[root], root) is None
    strangers_view = verdict_of(feeds[stranger], stranger)
    assert strangers_view is not None
    assert "All well" in strangers_view["html"]
    make_event(bot, EventStatus.DEAD)
    now = verdict_of(feeds[root], root)
    assert now is not None
    assert int(now["problems"]) == int(before["problems"] or 0) + 1
    assert "icon-failing" in now["icon"]
    assert verdict_of(feeds[stranger], stranger) is None
    monkeypatch.setattr(badges, "FINDINGS_EVERY", 3600.0)
    feeds[root].start({"badges": {}, "verdict": "x"})
    assert verdict_of(feeds[root], root)
    Event.objects.all().delete()
    assert verdict_of(feeds[root], root) is None


def test_stranger_is_told_nothing_of_a_bot_whatever_the_page_asks(root):
    bot, stranger = make_bot(), make_operator("stranger")
    feed = begun(stranger, bot)
    found(bot, CheckResult.WRONG)
    assert news_of(feed, stranger) == {}


def test_change_of_another_bot_reads_no_checklist(root, django_assert_num_queries):
    bot = make_bot()
    feed = BadgesFeed()
    feed.start({"badges": {}, "checklists": {str(bot.pk): ""}})
    changes = Changes()
    changes.add("bots", [str(make_bot().pk)])
    with django_assert_num_queries(1):
        assert news_of(feed, root, changes) == {}


@pytest.mark.parametrize(
    "handshake",
    [
        {"badges": {}, "checklists": {"nonsense": ""}},
        {"badges": {}, "checklists": []},
        {"badges": {}, "checklists": {f"{number:032x}": "" for number in range(MOST_CHECKLISTS + 1)}},
    ],
)
def test_nonsense_is_not_understood(handshake):
    with pytest.raises((ValueError, AttributeError)):
        BadgesFeed().start(handshake)

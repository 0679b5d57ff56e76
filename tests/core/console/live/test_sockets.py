import asyncio
import json
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.models import Bot
from core.access.models import OperatorSession, User
from core.console.live import ANYTHING, changed, sockets
from core.console.live.feeds import Feed
from core.console.live.viewers import viewer_of
from feishu_portal.asgi import application
from tests.core.console.live.browser import HOST, Socket, cookie_of
from tests.factories import make_bot, make_operator
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

NO_ROLE = {"role": "", "is_staff": False}


class BotNames(Feed):
    """Tells the names of the viewer's bots that changed."""

    topics = ("bots",)
    reads: list[Any]

    def start(self, handshake):
        self.known = dict(handshake["known"])

    def read(self, viewer, changes):
        keys = changes.of("bots")
        self.reads.append(keys)
        bots = {str(bot.pk): bot.name for bot in Bot.objects.visible_to(viewer.user)}
        names = {key: name for key, name in bots.items() if keys is ANYTHING or key in keys}
        new = {key: name for key, name in names.items() if self.known.get(key) != name}
        self.known |= new
        return [{"type": "names", "names": sorted(new.values()), "language": viewer.language}] if new else []


@pytest.fixture
def feed() -> type[BotNames]:
    return type("BotNamesOfThisTest", (BotNames,), {"reads": []})


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, settings) -> None:
    """No read without a notification, unless a test asks for it; notifications stay in the process."""
    settings.CHANNEL_LAYERS = {}
    monkeypatch.setattr(sockets, "READ_EVERY", 60.0)
    monkeypatch.setattr(sockets, "PAUSE", 0.05)


@pytest.fixture
def bot() -> Bot:
    return make_bot(name="Mine")


@pytest.fixture
def operator(bot) -> User:
    user = make_operator()
    bot.owners.add(user)
    return user


@pytest.fixture
def cookie(operator) -> str:
    return cookie_of(operator)


async def rename(bot: Bot, name: str) -> None:
    await Bot.objects.filter(pk=bot.pk).aupdate(name=name)
    changed("bots", [bot.pk])


async def test_page_is_told_what_it_does_not_show_and_then_what_changes(feed, bot, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        assert (await socket.message())["names"] == ["Mine"]
        await rename(bot, "Renamed")
        assert (await socket.message())["names"] == ["Renamed"]


async def test_page_is_told_nothing_that_it_shows_already(feed, bot, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {str(bot.pk): "Mine"}})
        assert json.loads((await socket.next())["text"]) == {"type": "alive"}


async def test_a_lost_notification_costs_one_interval(feed, bot, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "READ_EVERY", 0.2)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        await Bot.objects.filter(pk=bot.pk).aupdate(name="Without a notification")
        assert (await socket.message())["names"] == ["Without a notification"]


async def test_a_storm_of_notifications_is_one_read(feed, bot, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "PAUSE", 0.5)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        for number in range(500):
            changed("bots", [bot.pk, f"another-{number % 7}"])
        await rename(bot, "After the storm")
        assert (await socket.message())["names"] == ["After the storm"]
    assert len(feed.reads) == 2
    assert len(feed.reads[1]) == 8


async def test_more_rows_than_can_be_told_apart_are_all_rows(feed, bot, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        changed("bots", range(100_000))
        await rename(bot, "Among them")
        await socket.message()
    assert feed.reads[1] is ANYTHING


async def test_notifications_of_another_topic_wake_nobody(feed, bot, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        changed("weather")
        await rename(bot, "Told")
        await socket.message()
    assert feed.reads[1:] == [frozenset({str(bot.pk)})]


async def test_stranger_gets_no_trace_of_a_change(feed, bot, cookie):
    stranger = await sync_to_async(lambda: cookie_of(make_operator()))()
    async with Socket(sockets.socket_of(feed), cookie=stranger) as theirs:
        await theirs.open({"known": {}})
        async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
            await socket.open({"known": {}})
            await socket.message()
            await rename(bot, "Secret")
            await socket.message()
        assert json.loads((await theirs.next())["text"]) == {"type": "alive"}
        assert await theirs.hears_nothing()


async def test_page_is_told_in_its_language(feed, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie, language="zh-CN,zh;q=0.9") as socket:
        await socket.open({"known": {}})
        assert (await socket.message())["language"] == "zh-hans"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        f"http://{HOST}.evil.example",
        "http://localhost:9999",
        "ws://[",
        "file://",
    ],
)
async def test_pages_of_other_sites_are_refused_before_anything_is_read(feed, cookie, origin):
    async with Socket(sockets.socket_of(feed), cookie=cookie, origin=origin) as socket:
        assert (await socket.next())["type"] == "websocket.close"
    assert feed.reads == []


async def test_behind_a_proxy_the_public_address_is_the_own_one(feed, cookie, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://portal.example.com"]
    async with Socket(sockets.socket_of(feed), cookie=cookie, origin="https://portal.example.com") as socket:
        assert (await socket.next())["type"] == "websocket.accept"


async def test_plain_http_is_not_the_own_page_of_a_portal_behind_tls(feed, cookie, settings):
    settings.HTTPS = True
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        assert (await socket.next())["type"] == "websocket.close"


@pytest.mark.parametrize("change", [NO_ROLE, {"is_active": False}])
async def test_people_who_may_not_use_the_console_are_closed_out(feed, operator, cookie, change):
    await User.objects.filter(pk=operator.pk).aupdate(**change)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        assert await socket.closed() == sockets.SIGNED_OUT


@pytest.mark.parametrize("cookie", ["", "feishu_portal_session=nonsense"])
async def test_nobody_is_closed_out(feed, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        assert await socket.closed() == sockets.SIGNED_OUT
    assert feed.reads == []


@pytest.mark.parametrize(
    "end",
    [
        lambda user: OperatorSession.objects.all().adelete(),
        lambda user: User.objects.filter(pk=user.pk).aupdate(is_active=False),
        lambda user: User.objects.filter(pk=user.pk).aupdate(**NO_ROLE),
        lambda user: User.objects.filter(pk=user.pk).aupdate(password="changed"),
    ],
)
async def test_open_socket_closes_when_the_session_ends(feed, operator, cookie, end, monkeypatch):
    monkeypatch.setattr(sockets, "CHECK_EVERY", 0.1)
    monkeypatch.setattr(sockets, "READ_EVERY", 0.2)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        await end(operator)
        assert await socket.closed() == sockets.SIGNED_OUT


async def test_bot_taken_away_is_no_longer_told_of(feed, bot, operator, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        await bot.owners.aremove(operator)
        await rename(bot, "Not theirs any more")
        assert await socket.hears_nothing()
    assert len(feed.reads) == 2


@pytest.mark.parametrize(
    "hello", ["", "{", "[]", "null", '{"known": 1}', "[" * 100_000, '{"x": "' + "x" * 300_000]
)
async def test_hello_that_cannot_be_made_out_closes(feed, cookie, hello):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.next()
        await socket.say(hello)
        assert await socket.closed() == sockets.NOT_UNDERSTOOD


async def test_hello_that_cannot_be_made_out_closes_once_whatever_was_sent_behind_it(feed, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.next()
        for hello in ("{", "[]", "null"):
            await socket.say(hello)
        assert await socket.closed() == sockets.NOT_UNDERSTOOD
        assert await socket.hears_nothing()


async def test_who_says_nothing_is_closed(feed, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "PATIENCE", 0.1)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        assert await socket.closed() == sockets.SILENT


async def test_one_socket_too_many_is_sent_away(feed, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "MAX_SOCKETS", 1)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as first:
        await first.open({"known": {}})
        await first.message()
        async with Socket(sockets.socket_of(feed), cookie=cookie) as second:
            assert await second.closed() == sockets.BUSY


async def test_one_operator_has_a_quarter_of_the_sockets_at_most(feed, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "MAX_SOCKETS", 4)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as first:
        await first.open({"known": {}})
        await first.message()
        async with Socket(sockets.socket_of(feed), cookie=cookie) as second:
            assert await second.closed() == sockets.BUSY


async def test_many_sockets_read_less_often_and_have_their_sign_of_life(feed, bot, cookie, monkeypatch):
    monkeypatch.setattr(sockets, "READS_A_SECOND", 0.1)
    monkeypatch.setattr(sockets, "READ_EVERY", 0.2)
    reads = []
    counting = type("Counting", (feed,), {"read": lambda *_: reads.append(1) or []})
    async with Socket(sockets.socket_of(counting), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await rename(bot, "Told later")
        assert [json.loads((await socket.next())["text"]) for _ in range(3)] == [sockets.ALIVE] * 3
        assert len(reads) == 1


async def test_a_read_that_fails_closes_with_a_code_and_leaves_the_others_be(feed, bot, cookie, caplog):
    broken = type("Broken", (feed,), {"read": lambda *_: 1 / 0})
    async with Socket(sockets.socket_of(feed), cookie=cookie) as well:
        await well.open({"known": {}})
        await well.message()
        async with Socket(sockets.socket_of(broken), cookie=cookie) as socket:
            await socket.open({"known": {}})
            assert await socket.closed() == sockets.FAILED
        await rename(bot, "Still told")
        assert (await well.message())["names"] == ["Still told"]
    assert "live_socket_failed" in caplog.text


async def test_browser_that_leaves_while_it_is_told_something_is_no_failure(
    feed, cookie, caplog, monkeypatch
):
    told = asyncio.Event()

    async def gone(self, **_message):
        told.set()
        raise ConnectionResetError

    monkeypatch.setattr(sockets.LiveConsumer, "send", gone)
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        async with asyncio.timeout(PATIENCE):
            await told.wait()
            while [task for task in asyncio.all_tasks() if task.get_name() == "live-socket"]:
                await asyncio.sleep(0.01)
    assert "live_socket_failed" not in caplog.text


async def test_session_is_checked_every_few_seconds_and_not_at_every_read(feed, bot, cookie, monkeypatch):
    asked = []
    monkeypatch.setattr(sockets, "viewer_of", lambda scope: asked.append(1) or viewer_of(scope))
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
        for name in ("Once", "Twice", "Three times"):
            await rename(bot, name)
            await socket.message()
    assert len(asked) == 1


async def test_nothing_is_left_of_a_socket_that_is_gone(feed, cookie):
    async with Socket(sockets.socket_of(feed), cookie=cookie) as socket:
        await socket.open({"known": {}})
        await socket.message()
    assert not sockets._open
    assert not any(sockets._open_of.values())
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("live-")]


async def test_reads_have_the_context_of_their_socket_and_leave_nothing_in_it():
    """What was left in it would stay with every task of every open page."""
    variable = ContextVar("variable", default="")
    variable.set("of the socket")

    def read() -> str:
        found = variable.get()
        variable.set("of the thread")
        return found

    assert (await sockets._in_thread(read), variable.get()) == ("of the socket", "of the socket")


async def test_address_without_a_page_is_refused(cookie):
    async with Socket(application, "/live/nothing/", cookie=cookie) as socket:
        assert (await socket.next())["type"] == "websocket.close"

"""Notifications between processes: through a real Redis, and through one that is not there."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis

from core.console.live import ANYTHING, Changes, changed, hub, outbox
from core.console.live.changes import MAX_KEYS
from tests.services.ports import free_port
from tests.services.processes import PATIENCE


def layers(url: str) -> dict:
    config = {
        "hosts": [{"address": url, "socket_connect_timeout": 1, "socket_timeout": 10}],
        "group_expiry": 60,
    }
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}


@pytest.fixture(autouse=True)
def own_outbox(monkeypatch) -> Iterator[outbox.NotificationOutbox]:
    fresh = outbox.NotificationOutbox()
    monkeypatch.setattr("core.console.live.publish.OUTBOX", fresh)
    monkeypatch.setattr(outbox, "PATIENCE", 0.3)
    monkeypatch.setattr(hub, "RETRY", 0.1)
    yield fresh
    fresh.stop()


class Page:
    """Notes the notifications it gets."""

    def __init__(self) -> None:
        self.notified: asyncio.Queue[tuple[str, frozenset[str] | None]] = asyncio.Queue()

    def on_change(self, topic, keys) -> None:
        self.notified.put_nowait((topic, None if keys is None else frozenset(keys)))

    async def next(self):
        async with asyncio.timeout(PATIENCE):
            return await self.notified.get()

    async def is_notified_by(self, publish) -> None:
        """Publish until it arrives: the hub joins the group a moment after the page subscribed."""
        async with asyncio.timeout(PATIENCE):
            while self.notified.empty():
                publish()
                await asyncio.sleep(0.1)
        while not self.notified.empty():
            self.notified.get_nowait()


def test_changes_are_bounded_and_know_their_topics():
    changes = Changes()
    assert not changes
    changes.add("bots", ["a"])
    changes.add("bots", ["b"])
    assert (changes.of("bots"), changes.of("events")) == (frozenset("ab"), frozenset())
    changes.add("bots", map(str, range(MAX_KEYS)))
    changes.add("bots", ["c"])
    assert changes.of("bots") is ANYTHING
    assert changes.as_message() == {"bots": None}


async def test_without_a_layer_the_own_process_is_notified_from_any_thread(settings):
    settings.CHANNEL_LAYERS = {}
    page = Page()
    async with hub.hub().subscribed(("bots",), page.on_change):
        await asyncio.to_thread(changed, "bots", [1])
        assert await page.next() == ("bots", frozenset({"1"}))
        changed("bots")
        assert await page.next() == ("bots", None)


async def test_notification_goes_through_redis_to_every_process_that_subscribed(settings, redis_url):
    settings.CHANNEL_LAYERS = layers(redis_url)
    page = Page()
    async with hub.hub().subscribed(("bots",), page.on_change):
        await page.is_notified_by(lambda: changed("bots", ["first"]))
        changed("weather", ["rain"])
        changed("bots", ["second"])
        while (notified := await page.next()) == ("bots", frozenset({"first"})):
            pass  # published more than once
        assert notified[0] == "bots"
        assert notified[1] is not None
        assert "second" in notified[1]


async def test_stopped_outbox_sends_what_is_pending_and_leaves_nothing_open(
    settings, redis_url, own_outbox, monkeypatch
):
    monkeypatch.setattr(outbox, "PATIENCE", 10)
    settings.CHANNEL_LAYERS = layers(redis_url)
    page = Page()
    async with hub.hub().subscribed(("bots",), page.on_change):
        await page.is_notified_by(lambda: changed("bots", ["first"]))
        changed("bots", ["last"])
        thread = own_outbox._thread
        await asyncio.to_thread(own_outbox.stop)
        assert not thread.is_alive()
        while "last" not in (await page.next())[1]:
            pass
        await page.is_notified_by(lambda: changed("bots", ["again"]))


async def test_wiped_redis_is_joined_again(settings, redis_url, monkeypatch):
    monkeypatch.setattr(hub, "REJOIN", 0.3)
    settings.CHANNEL_LAYERS = layers(redis_url)
    page = Page()
    async with hub.hub().subscribed(("bots",), page.on_change):
        await page.is_notified_by(lambda: changed("bots", ["before"]))
        redis.Redis.from_url(redis_url).flushall()
        await page.is_notified_by(lambda: changed("bots", ["after"]))


async def test_redis_that_is_not_there_holds_up_nobody_who_changes_rows(settings, own_outbox, caplog):
    settings.CHANNEL_LAYERS = layers(f"redis://127.0.0.1:{free_port()}")
    started = time.thread_time()
    for number in range(1000):
        changed("bots", [number])
    assert time.thread_time() - started < 1  # CPU of this thread alone: it waited for nobody
    async with asyncio.timeout(PATIENCE):
        while own_outbox.dropped < 2:
            changed("bots")
            await asyncio.sleep(0.05)
    # The outbox of an earlier test may be at its last message.
    logged = [one.message for one in caplog.records if one.thread == own_outbox._thread.ident]
    assert logged == ["live_notifications_dropped"]


async def test_pages_read_everything_when_redis_is_back(settings, redis_url, monkeypatch, caplog):
    settings.CHANNEL_LAYERS = layers(f"redis://127.0.0.1:{free_port()}")
    page = Page()
    async with hub.hub().subscribed(("bots",), page.on_change):
        async with asyncio.timeout(PATIENCE):
            while "live_channel_layer_down" not in caplog.text:
                await asyncio.sleep(0.05)
        settings.CHANNEL_LAYERS = layers(redis_url)
        assert await page.next() == ("bots", None)
        await page.is_notified_by(lambda: changed("bots", ["again"]))
    assert caplog.text.count("live_channel_layer_down") == 1

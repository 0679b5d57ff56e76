"""Hints between processes: through a real Redis, and through one that is not there."""

import asyncio
import time

import pytest
import redis

from core.console.live import ANYTHING, Changes, changed, hub, outbox
from core.console.live.changes import MAX_KEYS
from tests.services.ports import free_port


def layers(url: str) -> dict:
    config = {
        "hosts": [{"address": url, "socket_connect_timeout": 1, "socket_timeout": 10}],
        "group_expiry": 60,
    }
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}


@pytest.fixture(autouse=True)
def own_outbox(monkeypatch) -> outbox.Outbox:
    fresh = outbox.Outbox()
    monkeypatch.setattr(outbox, "OUTBOX", fresh)
    monkeypatch.setattr(outbox, "PATIENCE", 0.3)
    monkeypatch.setattr(hub, "RETRY", 0.1)
    return fresh


class Listener:
    """One page that notes what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, frozenset[str] | None]] = asyncio.Queue()

    def hear(self, topic, keys) -> None:
        self.heard.put_nowait((topic, None if keys is None else frozenset(keys)))

    async def next(self):
        async with asyncio.timeout(15):
            return await self.heard.get()

    async def hears(self, say) -> None:
        """Say it until it is heard: listening begins a moment after it was asked for."""
        async with asyncio.timeout(15):
            while self.heard.empty():
                say()
                await asyncio.sleep(0.1)
        while not self.heard.empty():
            self.heard.get_nowait()


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


async def test_without_a_layer_the_own_process_hears_from_any_thread(settings):
    settings.CHANNEL_LAYERS = {}
    page = Listener()
    async with hub.hub().listening(("bots",), page.hear):
        await asyncio.to_thread(changed, "bots", [1])
        assert await page.next() == ("bots", frozenset({"1"}))
        changed("bots")
        assert await page.next() == ("bots", None)


async def test_hint_goes_through_redis_to_every_process_that_listens(settings, redis_url):
    settings.CHANNEL_LAYERS = layers(redis_url)
    page = Listener()
    async with hub.hub().listening(("bots",), page.hear):
        await page.hears(lambda: changed("bots", ["first"]))
        await asyncio.sleep(0.3)
        while not page.heard.empty():
            page.heard.get_nowait()
        changed("weather", ["rain"])
        changed("bots", ["second"])
        assert await page.next() == ("bots", frozenset({"second"}))


async def test_wiped_redis_is_joined_again(settings, redis_url, monkeypatch):
    monkeypatch.setattr(hub, "REJOIN", 0.3)
    settings.CHANNEL_LAYERS = layers(redis_url)
    page = Listener()
    async with hub.hub().listening(("bots",), page.hear):
        await page.hears(lambda: changed("bots", ["before"]))
        redis.Redis.from_url(redis_url).flushall()
        await page.hears(lambda: changed("bots", ["after"]))


async def test_redis_that_is_not_there_costs_the_one_who_says_it_nothing(settings, own_outbox, caplog):
    settings.CHANNEL_LAYERS = layers(f"redis://127.0.0.1:{free_port()}")
    started = time.thread_time()
    for number in range(1000):
        changed("bots", [number])
    assert time.thread_time() - started < 1  # CPU of this thread alone: it waited for nobody
    async with asyncio.timeout(15):
        while not (own_outbox.dropped and "live_hints_dropped" in caplog.text):
            await asyncio.sleep(0.05)
    assert caplog.text.count("live_hints_dropped") == 1


async def test_pages_are_told_to_look_at_everything_when_redis_is_back(
    settings, redis_url, monkeypatch, caplog
):
    settings.CHANNEL_LAYERS = layers(f"redis://127.0.0.1:{free_port()}")
    page = Listener()
    async with hub.hub().listening(("bots",), page.hear):
        async with asyncio.timeout(15):
            while "live_hints_not_heard" not in caplog.text:
                await asyncio.sleep(0.05)
        settings.CHANNEL_LAYERS = layers(redis_url)
        assert await page.next() == ("bots", None)
        await page.hears(lambda: changed("bots", ["again"]))
    assert caplog.text.count("live_hints_not_heard") == 1

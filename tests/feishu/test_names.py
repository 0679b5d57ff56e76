"""Names are looked up side by side, and the same name once."""

import asyncio
import os
import socket
import threading

import pytest

from feishu.names import NameLookups, is_host, look_up_now, names

PATIENCE = 30.0
FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


class SilentServers:
    """Name servers that answer for one name only when they are let."""

    def __init__(self) -> None:
        self.answering = threading.Event()
        self.asked: list[str] = []

    def look_up(self, host, _port, **_options):
        self.asked.append(host)
        if host == "silent.test":
            self.answering.wait(PATIENCE)
        if host == "unknown.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return FOUND


@pytest.fixture
def servers():
    servers = SilentServers()
    yield servers
    servers.answering.set()


async def test_a_name_whose_servers_are_silent_holds_up_no_other(servers):
    lookups = NameLookups(threads=2, look_up=servers.look_up)
    waiting = [asyncio.create_task(lookups.look_up("silent.test", 443)) for _ in range(20)]
    await asyncio.sleep(0)  # all of them have asked
    async with asyncio.timeout(PATIENCE):
        assert await lookups.look_up("well.test", 443) == FOUND
    assert not any(task.done() for task in waiting)
    servers.answering.set()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*waiting) == [FOUND] * 20
    assert servers.asked.count("silent.test") == 1


async def test_who_gives_up_takes_the_result_from_nobody(servers):
    lookups = NameLookups(threads=2, look_up=servers.look_up)
    hasty, patient = (asyncio.create_task(lookups.look_up("silent.test", 443)) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    servers.answering.set()
    async with asyncio.timeout(PATIENCE):
        assert await patient == FOUND


async def test_a_result_is_not_kept(servers):
    lookups = NameLookups(look_up=servers.look_up)
    for _ in range(2):
        await lookups.look_up("well.test", 443)
        with pytest.raises(socket.gaierror):
            await lookups.look_up("unknown.test", 443)
    assert servers.asked.count("well.test") == servers.asked.count("unknown.test") == 2


def test_two_event_loops_share_a_lookup(servers):
    lookups = NameLookups(threads=1, look_up=servers.look_up)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(asyncio.run(lookups.look_up("silent.test", 443))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    servers.answering.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == [FOUND] * 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_looks_up_on_threads_of_its_own():
    asyncio.run(names.look_up("127.0.0.1", 80))  # there are threads now
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(asyncio.wait_for(names.look_up("127.0.0.1", 80), PATIENCE))
        except BaseException:  # noqa: BLE001 -- pytest must not go on in the child
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)


IMPOSSIBLE = ["a..b", ".a", "a" * 64, "\N{SNOWMAN}.com", "a b", "a\x00b", ""]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_a_host_is_told(name):
    assert not is_host(name)


@pytest.mark.parametrize(
    "name",
    [
        "open.feishu.cn",
        "open.feishu.cn.",
        "sandbox",
        "a_b",
        "xn--a.com",
        "门户.例子.cn",
        "127.0.0.1",
        "::1",
        "2130706433",
    ],
)
def test_what_can_be_a_host_is_one(name):
    assert is_host(name)


async def test_name_that_cannot_be_one_is_not_found():
    for name in ("a..b", "a" * 64):
        with pytest.raises(socket.gaierror):
            look_up_now(name, 443)
        with pytest.raises(socket.gaierror):
            await names.look_up(name, 443)

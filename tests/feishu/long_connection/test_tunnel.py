"""A host with several addresses is reached by whichever answers."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from feishu.long_connection import tunnel
from feishu.long_connection.tunnel import connect_checked
from feishu.names import names
from feishu.networks import Networks

SIX, OTHER_SIX = ("2001:db8::1", 443, 0, 0), ("2001:db8::2", 443, 0, 0)
FOUR, OTHER_FOUR = ("192.0.2.1", 443), ("192.0.2.2", 443)


def found(address: tuple[Any, ...]) -> tuple[int, int, int, str, Any]:
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    return (family, socket.SOCK_STREAM, 0, "", address)


@pytest.fixture
def host(monkeypatch):
    """A host whose addresses are given, of which those in ``deaf`` never answer and those in ``closed`` refuse."""

    def make(*addresses, deaf=(), closed=()) -> list[Any]:
        asked: list[Any] = []

        async def look_up(_host: str, _port: int) -> list[Any]:
            return [found(address) for address in addresses]

        async def connect(_channel: socket.socket, address: Any) -> None:
            asked.append(address)
            if address in deaf:
                await asyncio.Event().wait()
            if address in closed:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

        monkeypatch.setattr(names, "look_up", look_up)
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
        monkeypatch.setattr(tunnel, "ATTEMPT_SECONDS", 0.01)
        return asked

    return make


async def test_address_that_does_not_answer_leaves_time_for_the_others(host):
    asked = host(SIX, OTHER_SIX, FOUR, deaf=(SIX, OTHER_SIX))
    (await connect_checked("gateway.test", 443, None)).close()
    assert asked == [SIX, FOUR]  # the families take turns


async def test_address_that_refuses_is_followed_by_the_next(host):
    asked = host(FOUR, OTHER_FOUR, closed=(FOUR,))
    (await connect_checked("gateway.test", 443, None)).close()
    assert asked == [FOUR, OTHER_FOUR]


async def test_host_without_a_family_reaches_the_other(host, monkeypatch):
    asked, real = host(SIX, FOUR), socket.socket

    def without_ipv6(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    monkeypatch.setattr(tunnel.socket, "socket", without_ipv6)
    (await connect_checked("gateway.test", 443, None)).close()
    assert asked == [FOUR]


async def test_last_failure_is_told(host):
    host(FOUR, OTHER_FOUR, deaf=(FOUR,), closed=(OTHER_FOUR,))
    with pytest.raises(ConnectionRefusedError):
        await connect_checked("gateway.test", 443, None)


async def test_the_last_address_has_all_the_time_that_the_caller_gives(host):
    host(FOUR, OTHER_FOUR, deaf=(FOUR, OTHER_FOUR))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connect_checked("gateway.test", 443, Networks.parse(["192.0.2.0/24"]))

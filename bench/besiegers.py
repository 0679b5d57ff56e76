"""Strangers who besiege a web process, and operators with far too many pages open; a process of their own for `bench.siege`.

Wrong passwords come from ever new names and addresses, for one address alone is slowed soon. A besieger whose connection is
closed comes back.
"""

import argparse
import asyncio
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

BODY_ADDRESSES = (
    "/admin/login/",
    "/api/v1/bots/cli_0123456789abcdef/messages",
    "/api/feishu/webhook/cli_0123456789abcdef",
    "/proxy/cli_0123456789abcdef/app/open-apis/auth/v3/tenant_access_token/internal",
    "/oauth/callback/cli_0123456789abcdef/",
)
BYTE_EVERY = 0.8  # seconds
REPORT_EVERY = 1.0

_addresses = itertools.count(1)
_counted: Counter[str] = Counter()


def _new_address() -> str:
    number = next(_addresses)
    return f"198.{18 + number // 65536 % 2}.{number // 256 % 256}.{number % 256}"


async def guess(url: str) -> None:
    """Wrong passwords, one after another."""
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        page = await client.get("/admin/login/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        for number in itertools.count():
            form = {"csrfmiddlewaretoken": token, "username": f"{id(client)}-{number}", "password": "wrong"}
            headers = {"X-Forwarded-For": _new_address()}
            answer = await client.post("/admin/login/", data=form, headers=headers)
            _counted[f"login {answer.status_code}"] += 1


async def drip(url: str, path: str) -> None:
    """A body that does not come to its end."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n"
    try:
        writer.write(f"{head}X-Forwarded-For: {_new_address()}\r\n\r\n".encode())
        _counted["bodies begun"] += 1
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            try:
                async with asyncio.timeout(BYTE_EVERY):
                    if not await reader.read(4096):
                        return
            except TimeoutError:
                continue
    finally:
        writer.close()


async def watch(url: str, path: str, cookie: str) -> None:
    """A live page, open for good."""
    socket = url.replace("http", "ws", 1) + path
    handshake = {"cursor": None, "filters": {}, "known": {}}
    async with connect(socket, origin=url, additional_headers={"Cookie": cookie}, proxy=None) as live:  # type: ignore[arg-type] -- a NewType of str
        await live.send(json.dumps(handshake))
        _counted["sockets open"] += 1
        try:
            async for _message in live:
                _counted["messages"] += 1
        finally:
            _counted["sockets open"] -= 1
            _counted[f"socket closed {live.close_code}"] += 1


async def _for_ever(once: Callable[..., Awaitable[None]], *arguments: str) -> None:
    while True:
        try:
            await once(*arguments)
        except (OSError, httpx2.HTTPError, WebSocketException, ValueError) as error:
            _counted[type(error).__name__] += 1
        await asyncio.sleep(0.2)


async def besiege(url: str, *, logins: int, bodies: int, sockets: int, cookies: list[str]) -> None:
    """Until the process is ended; a line of JSON each second says what has been counted so far."""
    async with asyncio.TaskGroup() as group:
        for _ in range(logins):
            group.create_task(_for_ever(guess, url))
        for _, path in zip(range(bodies), itertools.cycle(BODY_ADDRESSES), strict=False):
            group.create_task(_for_ever(drip, url, path))
        for _, cookie in zip(range(sockets), itertools.cycle(cookies), strict=False):
            group.create_task(_for_ever(watch, url, "/live/events/", cookie))
        while True:
            await asyncio.sleep(REPORT_EVERY)
            sys.stdout.write(json.dumps(_counted) + "\n")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    for name in ("logins", "bodies", "sockets"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--cookie", action="append", default=[])
    wanted = parser.parse_args()
    siege = besiege(
        wanted.url, logins=wanted.logins, bodies=wanted.bodies, sockets=wanted.sockets, cookies=wanted.cookie
    )
    asyncio.run(siege)


if __name__ == "__main__":
    main()

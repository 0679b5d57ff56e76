"""What an agent's tool call costs beside the same call by the proxy, and the memory of many agents at once: ``make bench-agents``.

Starts PostgreSQL (durable, as in production), Redis, a stand-in for the platform that does next to nothing, and one web
process.
"""

import argparse
import asyncio
from functools import partial
from typing import Any

import httpx2

from bench.report import progress, say
from bench.servers import Servers, durable_servers, web_of_one_person
from bench.tokens import TASKS, medians, memory

KEYS = 8
"""Clients that the agents belong to: one has a quarter of the places at most."""
ACCEPT = "application/json, text/event-stream"


def asking(method: str, **parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


LIST_TASKS = asking("tools/call", name="list_tasks", arguments={})


def use(client: httpx2.Client, address: str, body: dict[str, Any]) -> None:
    answer = client.post(address, json=body, headers={"accept": ACCEPT}).raise_for_status()
    result = answer.json()["result"]
    assert not result.get("isError"), result


def proxied(client: httpx2.Client, path: str) -> None:
    client.get(path, params={"type": "my_tasks", "page_size": "20"}).raise_for_status()


def compare(client: httpx2.Client, app_id: str, address: str, *, rounds: int) -> None:
    path = f"/proxy/{app_id}/users/ou_asked{TASKS}"
    calls = {
        "proxy": partial(proxied, client, path),
        "tool": partial(use, client, address, LIST_TASKS),
        "list": partial(use, client, address, asking("tools/list")),
    }
    found = medians(calls, rounds=rounds)
    say(
        f"{'tool call against the same call by the proxy':<48} tool {found['tool']:6.2f} ms   proxied {found['proxy']:6.2f} ms   "
        f"{found['tool'] / found['proxy']:.2f} ×   {found['tool'] - found['proxy']:.1f} ms more (goal: 10)"
    )
    say(f"{'list of tools':<48} {found['list']:.2f} ms")


async def many(portal: str, address: str, keys: list[str], *, agents: int, rounds: int) -> None:
    """So many agents, each of which greets, lists and calls in turn."""
    limits = httpx2.Limits(max_connections=agents)
    greeting = asking(
        "initialize",
        protocolVersion="2025-06-18",
        capabilities={},
        clientInfo={"name": "bench", "version": "1"},
    )

    async def agent(http: httpx2.AsyncClient, key: str) -> None:
        headers = {"authorization": f"Bearer {key}", "accept": ACCEPT}
        for body in (greeting, asking("tools/list"), *[LIST_TASKS] * rounds):
            answer = await http.post(address, json=body, headers=headers)
            answer.raise_for_status()

    async with httpx2.AsyncClient(base_url=portal, limits=limits, timeout=120) as http:
        await asyncio.gather(*(agent(http, keys[number % len(keys)]) for number in range(agents)))


def make_keys(count: int) -> list[str]:
    from django.db import connections  # noqa: PLC0415 -- after the environment is set

    from core.access.actors import SYSTEM  # noqa: PLC0415 -- after Django is set up
    from core.access.api_keys import add_api_client  # noqa: PLC0415 -- after Django is set up
    from core.access.scopes import Scope  # noqa: PLC0415 -- after Django is set up

    made = [
        add_api_client(name=f"agents {number}", scopes=list(Scope), bots=[], expires_at=None, actor=SYSTEM)
        for number in range(count)
    ]
    connections.close_all()
    return [key for _client, key in made]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=300, help="calls of each kind (default %(default)s)")
    parser.add_argument("--agents", type=int, default=200, help="at once (default %(default)s)")
    options = parser.parse_args()
    with durable_servers() as servers:
        _measure(servers, options)


def _measure(servers: Servers, options: argparse.Namespace) -> None:
    web = web_of_one_person(servers)
    keys = make_keys(KEYS)
    address = f"/mcp?bot={web.app_id}&person=ou_asked"
    with httpx2.Client(
        base_url=web.address, headers={"Authorization": f"Bearer {web.key}"}, timeout=60
    ) as client:
        proxied(client, f"/proxy/{web.app_id}/users/ou_asked{TASKS}")
        before, _most = memory(web.pid)
        use(client, address, asking("tools/list"))
        first, _most = memory(web.pid)
        say(f"{'memory of the first agent (the protocol)':<48} {first - before:.0f} MiB")
        progress(f"{options.rounds} calls of each kind, in turn, one caller; medians follow")
        compare(client, web.app_id, address, rounds=options.rounds)
        warm, _most = memory(web.pid)
        progress(f"{options.agents} agents at once")
        asyncio.run(many(web.address, address, keys, agents=options.agents, rounds=5))
        after, most = memory(web.pid)
        say(
            f"{f'{options.agents} agents at once':<48} resident before {warm:.0f}, after {after:.0f}, at most {most:.0f} MiB: "
            f"{most - warm:.0f} MiB more (goal: 50)"
        )


if __name__ == "__main__":
    main()

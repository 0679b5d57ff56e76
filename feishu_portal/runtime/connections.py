"""The long connections of one process, with all that receives their events, as one asyncio function."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from channels.layers import get_channel_layer
from django.conf import settings

from bots.connections.fleet import Fleet
from bots.connections.renewal import LeaseTerms
from events.clicks.responder import CallbackResponder
from events.ingress.receive import Receiver
from events.ingress.websocket import WebsocketSink
from events.ingress.writer import Intake
from feishu.long_connection.address import load_client
from feishu.long_connection.timing import Timing
from feishu_portal.runtime.event_loop import watched_loop
from feishu_portal.runtime.garbage import spare_event_loop
from feishu_portal.runtime.process import process_id

RESOLVERS = 64


async def hold_connections(
    *, node: str, stop: asyncio.Event, only: frozenset[str] = frozenset(), max_connections: int | None = None
) -> None:
    """Hold this process's share of the long connections of all enabled bots, or of ``only``, until ``stop`` is set."""
    # A host name is resolved on a thread, which nothing can interrupt: a few dead domains must not hold up other bots.
    asyncio.get_running_loop().set_default_executor(
        ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")
    )
    spare_event_loop()
    for load in (load_client, get_channel_layer):  # both import many modules, and late
        await asyncio.to_thread(load)
    spare_event_loop()  # those modules too
    with watched_loop():
        await _hold(node=node, stop=stop, only=only, max_connections=max_connections)


async def _hold(*, node: str, stop: asyncio.Event, only: frozenset[str], max_connections: int | None) -> None:
    async with Receiver(Intake(), CallbackResponder()) as receiver:
        fleet = Fleet(
            sink=WebsocketSink(receiver),
            node=node,
            # Four chances to renew a lease before it runs out.
            terms=LeaseTerms(
                settings.LEASE_SECONDS, min(settings.RECONCILE_SECONDS, settings.LEASE_SECONDS / 4)
            ),
            capacity=settings.MAX_CONNECTIONS if max_connections is None else max_connections,
            only=only,
            timing=Timing(longest_delay=settings.RETRY_SECONDS),
            process=process_id,
        )
        await fleet.run(stop)

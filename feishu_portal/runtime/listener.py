"""The listening part of the portal: the fleet, its sink and the inbox, as one asyncio function."""

import asyncio

from django.conf import settings

from bots.fleet import Fleet
from events.callbacks import CallbackLane
from events.gateway import GatewaySink
from events.intake import Intake


async def listen(*, node: str, stop: asyncio.Event, only: frozenset[str] = frozenset()) -> None:
    """Hold the long connections of all enabled bots, or of ``only``, until ``stop`` is set."""
    callbacks = CallbackLane()
    async with Intake() as intake:
        fleet = Fleet(
            sink=GatewaySink(intake, callbacks), node=node, interval=settings.RECONCILE_SECONDS, only=only
        )
        await fleet.run(stop)
    await callbacks.close()

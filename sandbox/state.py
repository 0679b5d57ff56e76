"""What every route shares."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from sandbox.delivery.courier import Courier
from sandbox.delivery.webhook import Webhook
from sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The world, and those who carry things out of it."""

    world: World
    courier: Courier
    webhook: Webhook


def sandbox_of(connection: HTTPConnection) -> Sandbox:
    """The sandbox that a request or a socket has reached."""
    sandbox: Sandbox = connection.app.state.sandbox
    return sandbox

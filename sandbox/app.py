"""The ASGI application of the sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from sandbox.config import SandboxConfig
from sandbox.control.table import control_routes
from sandbox.delivery.courier import Courier
from sandbox.delivery.webhook import Webhook
from sandbox.guard import Guard, PagePolicy
from sandbox.pages.developer import developer_routes
from sandbox.pages.routes import page_routes
from sandbox.platform.routes import platform_routes
from sandbox.state import Sandbox
from sandbox.world.world import World


def create_app(config: SandboxConfig | None = None, *, world: World | None = None) -> Starlette:
    """The sandbox over a world made from `config`, or over one that was made before. Needs its lifespan."""
    if world is None:
        world = World(config or SandboxConfig())
    shared = world

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Webhook() as webhook:
            sandbox = Sandbox(shared, Courier(shared, webhook), webhook)
            app.state.sandbox = sandbox
            yield
            await sandbox.courier.stop()

    return Starlette(
        routes=[
            *page_routes(),
            *developer_routes(),
            *control_routes(),
            *platform_routes(),
        ],
        middleware=[Middleware(PagePolicy), Middleware(Guard, hosts=world.config.hosts)],
        lifespan=lifespan,
    )

"""What an app proves itself with."""

from dataclasses import dataclass, field

from feishu.networks import EVERYWHERE, Networks
from feishu.outgoing import Route
from feishu.platforms import Platform


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """App ID and App Secret of a custom app, the platform that issued them, and the way there."""

    app_id: str
    app_secret: str = field(repr=False)
    platform: Platform
    proxy: str = field(default="", repr=False)
    """The HTTP proxy that everything of this app goes through, perhaps with a password in it.

    Empty: the environment decides (HTTPS_PROXY, NO_PROXY).
    """
    networks: Networks | None = EVERYWHERE
    """Where the platform's addresses may lead, where somebody typed them."""
    proxy_networks: Networks | None = EVERYWHERE
    """Where the proxy may be."""
    tells_proxy_errors: bool = True
    """Whether an error says how the proxy failed."""

    @property
    def route(self) -> Route:
        """The way of everything that this app sends."""
        return Route(self.proxy, self.networks, self.proxy_networks, self.tells_proxy_errors)

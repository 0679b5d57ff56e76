"""What an app proves itself with."""

from dataclasses import dataclass, field

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

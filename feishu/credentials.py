"""What an app proves itself with."""

from dataclasses import dataclass, field

from feishu.platforms import Platform


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """App ID and App Secret of a custom app, and the platform that issued them."""

    app_id: str
    app_secret: str = field(repr=False)
    platform: Platform

"""The reactions that the platform's error codes call for."""

from enum import StrEnum


class Category(StrEnum):
    """What has to happen next."""

    RETRY = "retry"
    """Nothing is wrong with the request; try again a little later."""
    RATE_LIMIT = "rate_limit"
    """Slow down, then try again."""
    REAUTHORIZE = "reauthorize"
    """The user's tokens are dead or too narrow; ask the user again."""
    USER_GONE = "user_gone"
    """This user cannot be served: resigned, frozen, unknown, or refuses messages."""
    CONFIGURATION = "configuration"
    """An administrator must change something in the developer console or in the bot's settings."""
    PERMISSION = "permission"
    """A scope or a right is missing."""
    BUG = "bug"
    """The request was wrong; only another request can succeed."""
    TERMINAL = "terminal"
    """The object is gone or closed for good."""
    CONNECTION_LIMIT = "connection_limit"
    """Too many long connections for this app; one frees up when a stale one ends."""
    WRONG_BRAND = "wrong_brand"
    """The app belongs to the other brand: Feishu instead of Lark, or the other way round."""

"""Authorization sessions and user tokens in the console."""

from auth_sessions.admin import sessions, tokens

__all__ = ["sessions", "tokens"]

"""Authorization sessions, user tokens and their use in the console."""

from auth_sessions.admin import sessions, tokens, uses

__all__ = ["sessions", "tokens", "uses"]

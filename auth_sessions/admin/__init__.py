"""Authorization sessions, user tokens and their use in the console."""

from auth_sessions.admin import overview, sessions, tokens, uses

__all__ = ["overview", "sessions", "tokens", "uses"]

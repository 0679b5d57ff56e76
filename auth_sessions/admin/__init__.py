"""Authorization sessions, user tokens and their use in the console."""

from auth_sessions.admin import audit_actions, overview, sessions, tokens, uses

__all__ = ["audit_actions", "overview", "sessions", "tokens", "uses"]

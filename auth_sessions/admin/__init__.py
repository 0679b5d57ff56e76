"""Authorization sessions, user tokens and their use in the console."""

from auth_sessions.admin import audit_actions, built_in_handlers, overview, search, sessions, tokens, uses

__all__ = ["audit_actions", "built_in_handlers", "overview", "search", "sessions", "tokens", "uses"]

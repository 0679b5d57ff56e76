"""Events in the console: the log and one event's life, dead letters, replays, the live tail, handlers."""

from events.admin import audit_actions, event_log, handlers, overview, replays, subscriptions

__all__ = ["audit_actions", "event_log", "handlers", "overview", "replays", "subscriptions"]

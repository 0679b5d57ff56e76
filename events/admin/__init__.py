"""Events in the console: the log and one event's life, dead letters, replays, the live tail, handlers."""

from events.admin import event_log, handlers, overview, replays, subscriptions

__all__ = ["event_log", "handlers", "overview", "replays", "subscriptions"]

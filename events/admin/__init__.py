"""Events in the console: the log and one event's life, dead letters, replays, the live tail, handlers."""

from events.admin import (
    activity,
    audit_actions,
    built_in_handlers,
    event_log,
    handlers,
    overview,
    replays,
    search,
    subscriptions,
)

__all__ = [
    "activity",
    "audit_actions",
    "built_in_handlers",
    "event_log",
    "handlers",
    "overview",
    "replays",
    "search",
    "subscriptions",
]

"""Events in the console: the log and one event's life, dead letters, replays, the live tail."""

from events.admin import event_log, replays

__all__ = ["event_log", "replays"]

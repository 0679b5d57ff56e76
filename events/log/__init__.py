"""The event log: search, replay, dead letters, retention."""

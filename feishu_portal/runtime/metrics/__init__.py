"""Metrics of a process: the port on which it tells them, and what comes from its pool and its tasks."""

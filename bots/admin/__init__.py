"""Bots and their connections in the console."""

from bots.admin import audit_actions, bots, incidents, losses, overview, processes, sendings, slots

__all__ = ["audit_actions", "bots", "incidents", "losses", "overview", "processes", "sendings", "slots"]

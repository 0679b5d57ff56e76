"""Bots and their connections in the console."""

from bots.admin import bots, incidents, losses, overview, sendings, slots

__all__ = ["bots", "incidents", "losses", "overview", "sendings", "slots"]

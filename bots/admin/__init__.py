"""Bots and their connections in the console."""

from bots.admin import bots, incidents, losses, sendings, slots

__all__ = ["bots", "incidents", "losses", "sendings", "slots"]

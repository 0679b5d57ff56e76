"""Bots and their connections in the console."""

from bots.admin import bots, slots

__all__ = ["bots", "slots"]

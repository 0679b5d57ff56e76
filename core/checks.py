"""Tags of system checks, for commands that run some of them."""

from typing import Final

SETTINGS: Final = "settings"
"""Checks of the environment. To check pages too, a command would have to load them all."""

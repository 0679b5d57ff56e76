"""What system checks are about, for commands that ask for some of them."""

from typing import Final

SETTINGS: Final = "settings"
"""Says what is wrong with the environment. To check pages too, a command would have to load them all."""

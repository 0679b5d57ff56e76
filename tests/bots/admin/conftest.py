"""Operators and what they may see; the platform at which apps are registered."""

from tests.bots.registering import *  # noqa: F403 -- fixtures
from tests.console.operators import *  # noqa: F403 -- fixtures

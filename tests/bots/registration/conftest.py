"""An operator who may add bots, and the platform."""

from tests.bots.registering import *  # noqa: F403 -- fixtures

"""Operators and what they may see."""

from tests.console.operators import *  # noqa: F403 -- fixtures

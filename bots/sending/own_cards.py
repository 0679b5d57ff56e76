"""Cards of the portal's own on which somebody decides something: no API client changes what they see while they decide.

A client that may change cards and read the person's messages could else put another text around the same buttons.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from bots.errors import ContentError
from bots.models import Bot

Check: TypeAlias = Callable[[Bot, str], bool]
"""Whether the bot's message with this id is such a card now."""

_checks: Final[list[Check]] = []


def own_card(check: Check) -> Check:
    """A decorator: ``check`` is asked before a client changes a card."""
    _checks.append(check)
    return check


def refuse_own_card(bot: Bot, message_id: str) -> None:
    """Raises ContentError where the card is not the client's to change."""
    if any(check(bot, message_id) for check in _checks):
        raise ContentError("Somebody is being asked on this card. The portal alone changes it.")

"""Cards on which the portal asks somebody something: no client changes them as the bot while they ask."""

import unicodedata
from typing import Final

from bots.errors import ContentError
from bots.models import Bot
from bots.sending.own_cards import refuse_own_card
from core.access.call_contents import CallContents
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.target import Target

_MESSAGES: Final = ("open-apis", "im", "v1", "messages")
"""Below it stands the message that is edited, updated or recalled."""
_ID_CONVERT: Final = ("open-apis", "cardkit", "v1", "cards", "id_convert")
"""With the card_id of a sent card, CardKit changes it. The body names the message."""
_READING: Final = frozenset({"GET", "HEAD"})


def needs_contents(target: Target) -> bool:
    """Whether the message that a call is about stands in its body."""
    return _folded(target) == _ID_CONVERT


def refuse_change(target: Target, contents: CallContents | None, bot: Bot) -> None:
    """Raises Problem where the call would change such a card. ``contents``: of a call that needs them."""
    if message_id := _changed(target, contents):
        try:
            refuse_own_card(bot, message_id)
        except ContentError as error:
            raise Problem(403, "own_card", str(error), sent="no") from None


def _changed(target: Target, contents: CallContents | None) -> str:
    """The message that the call may change; empty for a call that changes none."""
    path = _folded(target)
    if path[:-1] == _MESSAGES and target.method not in _READING:
        return target.segments[-1].strip()
    if not needs_contents(target):
        return ""
    named = {said.value.strip() for said in contents.of("message_id")} if contents else set()
    if contents is None or not contents.is_whole or len(named) > 1:
        raise Problem(
            403, "own_card", "The body does not tell for certain which message is meant.", sent="no"
        )
    return "".join(named)


def _folded(target: Target) -> tuple[str, ...]:
    """As the platform may read the path."""
    return tuple(unicodedata.normalize("NFKC", segment).casefold() for segment in target.segments)

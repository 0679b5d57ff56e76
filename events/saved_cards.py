"""Card templates for handlers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bots.models import Bot


def saved_card(bot: "Bot", name: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The card of the bot's template with this name or id, with these values of its variables, ready to be sent or shown.

    Raises ``bots.errors.TemplateError``, whose text says what is missing or wrong.
    """
    from bots.card_templates import service  # noqa: PLC0415 -- handlers are imported before there are models

    return service.saved_card(bot, name, variables)

"""Form fields that a script turns into a picker of what one bot knows."""

from typing import Any, ClassVar

from django.forms import Media, Script, Widget
from django.urls import reverse

from bots.models import Bot


class BotPicker(Widget):
    """Goes before a widget of Django, which is what there is without scripts. ``bot_field``: the name of the form's field with the
    bot; ``bot``: the one that is known beforehand, if any."""

    script: ClassVar[str]
    """The static file."""
    view: ClassVar[str]
    """The name of the page that the script asks, with the bot's key in its address."""
    bot_field = "bot"
    bot: Bot | None = None

    @property
    def media(self) -> Media:
        return Media(js=[Script(self.script, type="module")])  # type: ignore[list-item]  # the stubs know strings alone

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["bot_field"] = self.bot_field
        context["address"] = reverse(self.view, args=["BOT"])
        return context

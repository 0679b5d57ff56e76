"""The list of scopes of a bot, with a picker beside it: scopes by name, searched in both languages."""

from typing import TYPE_CHECKING, Any

from django.forms import Media, Script
from unfold.widgets import UnfoldAdminTextareaWidget

from core.console.sentences import in_language
from feishu.scopes import named_scopes

if TYPE_CHECKING:
    from django.forms import Textarea
else:
    Textarea = UnfoldAdminTextareaWidget


class ScopesInput(Textarea):
    """Lines, of which a script ticks those that the picker has. Without scripts there are the lines alone."""

    template_name = "bots/scopes.html"

    @property
    def media(self) -> Media:
        return Media(js=[Script("portal/scopes.js", type="module")])  # type: ignore[list-item]  # the stubs know strings alone

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["scopes"] = [
            (scope, in_language(text), f"{scope} {text.zh_cn} {text.en_us}".lower())
            for scope, text in named_scopes().items()
        ]
        return context

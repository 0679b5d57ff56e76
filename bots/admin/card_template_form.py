"""The form of a card template."""

import json
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.card_templates.checking import checked, parsed
from bots.card_templates.variables import declared
from bots.errors import TemplateError
from bots.models import CardTemplate
from core.console.base import KnowsOperator
from core.console.fields import Textarea

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[CardTemplate]
else:
    ModelForm = forms.ModelForm

MAX_WRITTEN: Final = 120_000
"""Characters of a card as it is written, with blanks to make it readable; what is sent has 30 KB."""
NEW_CARD: Final = """\
{
  "schema": "2.0",
  "config": {"update_multi": true},
  "header": {"template": "blue", "title": {"tag": "plain_text", "content": "{{title}}"}},
  "body": {
    "elements": [
      {"tag": "markdown", "content": "{{text}}"}
    ]
  }
}
"""


def new_variables() -> dict[str, Any]:
    """Those of ``NEW_CARD``, with examples in the language of the console."""
    return {
        "title": {"type": "text", "example": gettext("Disk almost full")},
        "text": {"type": "text", "example": gettext("The data disk of db-1 is at 91 %.")},
    }


def in_words(error: TemplateError) -> str:
    """The error in the language of the console."""
    return gettext(error.sentence) % error.params


class _JsonText(forms.CharField):
    """JSON as people write it, of any size that a card may have."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        attrs = {"rows": rows, "spellcheck": "false", "class": "portal-lines"}
        super().__init__(widget=Textarea(attrs), strip=False, max_length=MAX_WRITTEN, **kwargs)


class VariablesField(_JsonText):
    """What is declared of the variables, by name."""

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        if not text.strip():
            return {}
        try:
            variables = parsed(text)
            declared(variables)
        except TemplateError as error:
            raise ValidationError(in_words(error)) from None
        return variables

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool((initial or {}) != json.loads(data or "{}"))
        except (ValueError, RecursionError):
            return True


class CardTemplateForm(KnowsOperator, ModelForm):
    card = _JsonText(
        label=_("Card"),
        rows=18,
        initial=NEW_CARD,
        help_text=_(
            "Card JSON of version 2.0 or 1.0, 30 KB at most, with variables in double braces, e.g. {{title}}. A value never "
            "becomes formatting, a link or an action."
        ),
    )
    variables = VariablesField(
        label=_("Variables"),
        rows=8,
        required=False,
        initial=new_variables,
        help_text=_(
            "By name, with a type: text, number, boolean, link, image, person or choice. One without a “default” has to be given "
            "by whoever sends the card; the “example” is for the preview."
        ),
    )

    class Meta:
        model = CardTemplate
        fields = ("name", "bot", "description", "card", "variables")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (bot := self.fields.get("bot")) is not None:
            bot.empty_label = _("All bots")  # type: ignore[attr-defined]
            bot.required = not self.operator.sees_everything

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "card" in cleaned and "variables" in cleaned:
            try:
                checked(cleaned["card"], cleaned["variables"])
            except TemplateError as error:
                self.add_error("card", in_words(error))
        return cleaned

"""Whether a card template can be saved: JSON, variables, size, and what the platform says of such cards. Pure."""

import json
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from bots.card_templates.filling import Json, fill, names_in
from bots.card_templates.variables import Variable, declared
from bots.errors import TemplateError
from bots.sending.content import MAX_CONTENT
from feishu import card_rules

VERSIONS: Final = ("1.0", "2.0")


def parsed(text: str) -> Json:
    """The JSON object that the text spells. Raises TemplateError with the line where it stops being JSON."""
    try:
        value: Any = json.loads(text)
    except RecursionError:
        raise TemplateError(_("The card is nested too deeply.")) from None
    except json.JSONDecodeError as error:
        raise TemplateError(
            _("This is not JSON: line %(line)d, column %(column)d: %(said)s."),
            line=error.lineno,
            column=error.colno,
            said=error.msg,
        ) from None
    if not isinstance(value, dict):
        raise TemplateError(_("This is not a JSON object, {…}."))
    return value


def checked(card: str, variables: object) -> tuple[Json, dict[str, Variable]]:
    """The card and its variables. Raises TemplateError where it could not be sent with the examples of its variables, or has a
    variable that stands nowhere."""
    content, known = parsed(card), declared(variables)
    sample(content, known)
    if unused := sorted(known.keys() - names_in(content)):
        raise TemplateError(_("The variable “%(name)s” is not used in the card."), name=unused[0])
    return content, known


def sample(content: Json, variables: dict[str, Variable]) -> Json:
    """The card as the preview shows it, with the examples of its variables. Raises TemplateError."""
    filled = fill(content, variables, {name: one.sample for name, one in variables.items()})
    check_card(filled)
    return filled


def check_card(card: Json) -> None:
    """Raises TemplateError for a card that the platform would refuse."""
    if card.get("type") in ("template", "card") and "data" in card:
        raise TemplateError(
            _(
                "This names a card that the platform keeps. A template holds the card itself, of version 1.0 or 2.0."
            )
        )
    if card.get("schema", "1.0") not in VERSIONS:
        raise TemplateError(_("The card’s schema is “2.0”, or left out for version 1.0."))
    if card_rules.is_v2(card):
        if not isinstance(card.get("body"), dict):
            raise TemplateError(_("A card of version 2.0 has its elements in “body”."))
    elif not isinstance(card.get("elements"), list) and not isinstance(card.get("i18n_elements"), dict):
        raise TemplateError(_("A card of version 1.0 has its elements in the list “elements”."))
    try:
        card_rules.check(card)
    except card_rules.CardError as error:
        raise TemplateError(
            _("The platform would refuse the card (%(code)d): %(said)s: %(value)s."),
            code=error.code,
            said=error.message,
            value=str(error.value)[:200] or "–",
        ) from None
    size = len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
    if size > MAX_CONTENT:
        raise TemplateError(
            _("The card has %(size)d bytes; the platform takes %(most)d."), size=size, most=MAX_CONTENT
        )

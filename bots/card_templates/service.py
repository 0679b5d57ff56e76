"""Saving card templates, each change with its entry in the audit log; and the cards that are made of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from bots.card_templates.checking import check_card, parsed
from bots.card_templates.filling import Json, fill
from bots.card_templates.variables import declared, values_for
from bots.errors import TemplateError
from bots.models import Bot, CardTemplate
from core.access import audit
from core.access.actors import Actor

_SHOWN: Final = frozenset({"card", "variables"})
"""Too long for the audit log, which says that they changed."""


def template_of(bot: Bot, name: str) -> CardTemplate:
    """The template with this name or id that the bot may send; its own wins over one of all bots. Raises TemplateError."""
    rows = CardTemplate.objects.usable_by(bot)
    try:
        found = rows.filter(pk=UUID(name)).first()
    except ValueError:
        found = rows.filter(name=name).first()
    if found is None:
        raise TemplateError(_("The bot has no card template “%(name)s”."), name=name[:100])
    return found


def saved_card(bot: Bot, name: str, variables: Mapping[str, Any] | None = None) -> Json:
    """The card of the bot's template with this name or id, with these values of its variables, ready to be sent. Raises
    TemplateError, whose text says what is missing or wrong."""
    return card_from(template_of(bot, name), variables or {})


def card_from(template: CardTemplate, variables: Mapping[str, Any]) -> Json:
    """The template's card with these values. Raises TemplateError."""
    known = declared(template.variables)
    card = fill(parsed(template.card), known, values_for(known, variables))
    check_card(card)
    return card


@transaction.atomic
def add_template(template: CardTemplate, *, actor: Actor) -> None:
    template.save(force_insert=True)
    _audit(template, "card_template.created", actor)


@transaction.atomic
def change_template(template: CardTemplate, *, changed: Iterable[str], actor: Actor) -> None:
    """Save card and variables at once, as the next version; ``changed`` are the fields' names for the audit log."""
    before = CardTemplate.objects.select_for_update(of=("self",)).get(pk=template.pk)
    template.changed_at = timezone.now()
    template.save(update_fields=("description", "card", "variables", "changed_at"))
    CardTemplate.objects.filter(pk=template.pk).update(version=F("version") + 1)
    template.refresh_from_db(fields=("version",))
    detail = audit.changes(before, template, changed, shown=_SHOWN)
    _audit(template, "card_template.updated", actor, **detail)


@transaction.atomic
def remove_template(template: CardTemplate, *, actor: Actor) -> None:
    _audit(template, "card_template.deleted", actor)
    template.delete()


def _audit(template: CardTemplate, action: str, actor: Actor, **detail: object) -> None:
    audit.record(
        actor=actor,
        action=action,
        bot=template.bot,
        target=template.name,
        template=str(template.pk),
        version=template.version,
        **detail,
    )

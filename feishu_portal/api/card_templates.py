"""Card templates that a bot may send."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema

from bots.card_templates.service import template_of
from bots.card_templates.variables import declared
from bots.enums import VariableKind
from bots.errors import TemplateError
from bots.models import CardTemplate
from core.access.scopes import Scope
from feishu_portal.api.keys import bot_for, caller
from feishu_portal.api.paging import page_of
from feishu_portal.api.problems import not_found

router = Router()

MAX_LIMIT = 200

TemplatePath: TypeAlias = Annotated[str, Path(max_length=64, description="Its name or ID.")]


class VariableOut(Schema):
    """``required``: it has no default."""

    name: str
    type: VariableKind
    description: str
    required: bool
    default: str | int | float | bool | None
    choices: list[str]


class CardTemplateOut(Schema):
    """``for_all_bots``: it is not this bot's alone."""

    id: UUID
    name: str
    description: str
    version: int
    changed_at: datetime
    for_all_bots: bool
    variables: list[VariableOut]


class CardTemplateInFull(CardTemplateOut):
    """``card``: the JSON as it is written, with its variables."""

    card: str


class CardTemplatePage(Schema):
    items: list[CardTemplateOut]
    next_cursor: str | None


@router.get("/{bot_id}/card-templates", response=CardTemplatePage, summary="Card templates of a bot")
def list_card_templates(
    request: HttpRequest,
    bot_id: str,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str, Query(max_length=64)] = "",
) -> CardTemplatePage:
    """By name; one of the bot's own hides one for all bots of the same name. ``cursor`` is the last answer's ``next_cursor``."""
    bot = bot_for(caller(request, Scope.MESSAGES_SEND), bot_id)
    rows = CardTemplate.objects.usable_by(bot).defer("card").filter(name__gt=cursor)
    # Two rows of a name at most.
    by_name: dict[str, CardTemplate] = {}
    for row in rows[: 2 * (limit + 1)]:
        by_name.setdefault(row.name, row)
    page, last = page_of(list(by_name.values()), limit)
    return CardTemplatePage(
        items=[CardTemplateOut(**_fields(row)) for row in page], next_cursor=last.name if last else None
    )


@router.get("/{bot_id}/card-templates/{template}", response=CardTemplateInFull, summary="One card template")
def get_card_template(request: HttpRequest, bot_id: str, template: TemplatePath) -> CardTemplateInFull:
    """As ``POST …/messages`` would send it."""
    bot = bot_for(caller(request, Scope.MESSAGES_SEND), bot_id)
    try:
        row = template_of(bot, template)
    except TemplateError:
        raise not_found("card template") from None
    return CardTemplateInFull(**_fields(row), card=row.card)


def _fields(row: CardTemplate) -> dict[str, Any]:
    variables = [
        VariableOut(
            name=one.name,
            type=one.kind,
            description=one.description,
            required=one.default is None,
            default=one.default,
            choices=list(one.choices),
        )
        for one in declared(row.variables).values()
    ]
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "version": row.version,
        "changed_at": row.changed_at,
        "for_all_bots": row.bot_id is None,
        "variables": variables,
    }

"""Incidents of a bot."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils.translation import override
from ninja import Field, Query, Router, Schema

from bots.incidents.causes import cause_named
from bots.models import Incident
from core.access.scopes import Scope
from core.vault.redaction import redact_text
from feishu_portal.api.keys import bot_for, caller
from feishu_portal.api.paging import page_of

router = Router()

MAX_LIMIT = 200


class IncidentsIn(Schema):
    state: Literal["open", "all"] = "open"
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""


class IncidentOut(Schema):
    """``cause`` is stable and for programs; ``headline``, ``explanation`` and ``cure`` are for people."""

    id: int
    cause: str
    headline: str
    explanation: str
    cure: str
    platform_code: int | None
    error: str
    is_severe: bool
    began_at: datetime
    recovered_at: datetime | None
    closed_at: datetime | None


class IncidentPage(Schema):
    items: list[IncidentOut]
    next_cursor: str | None


@router.get("/bots/{bot_id}/incidents", response=IncidentPage, summary="Incidents of a bot, newest first")
def list_incidents(request: HttpRequest, bot_id: str, wanted: Query[IncidentsIn]) -> IncidentPage:
    """Problems that take a person, with what to do about each. ``recovered_at``: it is gone, and closed when it stays away."""
    bot = bot_for(caller(request, Scope.BOTS_READ), bot_id)
    incidents = Incident.objects.filter(bot=bot).select_related("bot").order_by("-pk")
    if wanted.state == "open":
        incidents = incidents.open()
    if wanted.cursor:
        incidents = incidents.filter(pk__lt=int(wanted.cursor))
    page, last = page_of(incidents, wanted.limit)
    with override("en"):
        items = [_incident_out(incident) for incident in page]
    return IncidentPage(items=items, next_cursor=str(last.pk) if last else None)


def _incident_out(incident: Incident) -> IncidentOut:
    explanation = incident.explanation
    return IncidentOut(
        id=incident.pk,
        cause=incident.cause,
        headline=incident.headline,
        explanation=explanation.cause.in_language("en"),
        cure=explanation.cure.in_language("en"),
        platform_code=incident.code,
        error=redact_text(incident.message),
        is_severe=cause_named(incident.cause).is_severe,
        began_at=incident.began_at,
        recovered_at=incident.recovered_at,
        closed_at=incident.closed_at,
    )

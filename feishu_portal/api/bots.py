"""Bots and their connections."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema

from bots.connections.status import BotStatus, ConnectionState, statuses
from bots.enums import SlotState
from bots.models import Bot
from core.access.scopes import Scope
from feishu_portal.api.keys import bot_for, caller
from feishu_portal.api.paging import page_of

router = Router()

MAX_LIMIT = 200


class ConnectionOut(Schema):
    number: int
    state: SlotState
    connected_at: datetime | None
    last_frame_at: datetime | None
    error_code: int | None
    error: str
    next_attempt_at: datetime | None
    """When it is tried again, while its process waits to."""


class BotOut(Schema):
    """``transport`` is how events arrive, ``callback_transport`` how callbacks do. ``state`` is that of all connections
    together; beside ``connected``, ``error`` is a warning. It is empty where nothing is wrong.

    ``open_url`` is where servers call the platform for this bot, ``browser_url`` where people's browsers find its accounts
    pages.
    """

    id: str
    app_id: str
    name: str
    platform: str
    open_url: str
    browser_url: str
    transport: str
    callback_transport: str
    enabled: bool
    state: ConnectionState
    error: str
    connections: list[ConnectionOut]


class BotPage(Schema):
    items: list[BotOut]
    next_cursor: str | None


def bot_out(status: BotStatus) -> BotOut:
    """A bot as callers see it: no secret, and no word of whether there is one."""
    bot, diagnosis = status.bot, status.diagnosis()
    addresses = bot.addresses
    return BotOut(
        id=str(bot.pk),
        app_id=bot.app_id,
        name=bot.name,
        platform=bot.platform,
        open_url=addresses.open_url,
        browser_url=addresses.browser_url or addresses.accounts_url,
        transport=bot.transport,
        callback_transport=bot.callbacks_by,
        enabled=bot.enabled,
        state=status.health.state,
        error=diagnosis.text if diagnosis else "",
        connections=[
            ConnectionOut(
                number=slot.row.number,
                state=slot.state,
                connected_at=slot.row.connected_at,
                last_frame_at=slot.row.last_frame_at,
                error_code=slot.row.error_code,
                error=slot.row.error_text,
                next_attempt_at=slot.next_attempt_at,
            )
            for slot in status.slots
        ],
    )


@router.get("", response=BotPage, summary="Bots of this key")
def list_bots(
    request: HttpRequest, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50, cursor: str = ""
) -> BotPage:
    """Ordered by App ID; ``cursor`` is the last answer's ``next_cursor``."""
    client = caller(request, Scope.BOTS_READ)
    bots = Bot.objects.filter(app_id__gt=cursor).order_by("app_id")
    if not client.all_bots:
        bots = bots.filter(pk__in=client.bot_ids)
    page, last = page_of(bots, limit)
    return BotPage(
        items=[bot_out(status) for status in statuses(page)], next_cursor=last.app_id if last else None
    )


@router.get("/{bot_id}", response=BotOut, summary="One bot")
def get_bot(request: HttpRequest, bot_id: str) -> BotOut:
    """With the state of each of its connections."""
    [status] = statuses([bot_for(caller(request, Scope.BOTS_READ), bot_id)])
    return bot_out(status)

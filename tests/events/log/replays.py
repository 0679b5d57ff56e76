"""Handlers that fail on demand, events they handled, and replays of them."""

from typing import Any

from bots.models import Bot
from core.access.actors import SYSTEM
from events.enums import EventStatus, ReplayMode
from events.log.criteria import EventCriteria
from events.log.replay import start_replay
from events.models import Event, ReplayJob
from tests.events.handler_runs import run_due
from tests.events.log.rows import make_event

TYPE = "shop.order_v1"


def handled(bot: Bot, **values: Any) -> Event:
    event = make_event(bot, event_type=TYPE, status=EventStatus.RECEIVED, **values)
    run(event)
    return event


def run(event: Event) -> None:
    run_due(event.bot)
    event.refresh_from_db()


def job_for(
    criteria: EventCriteria | None = None, mode: ReplayMode = ReplayMode.FAILED, **options: Any
) -> ReplayJob:
    return start_replay(criteria=criteria or EventCriteria(), mode=mode, actor=SYSTEM, **options)

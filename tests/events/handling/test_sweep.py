"""Callbacks of a process that died, found among millions of events; clicks are tested with what answers them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.enums import Arrived, EventStatus
from events.handling.sweep import end_lost_clicks
from events.log.sentences import LOST_CLICK
from events.models import Event
from tests.events.handling.test_plans import BACKLOG, analyze, plans
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def events(event_type: str, *, count: int = 1) -> list[Event]:
    long_ago, bot = timezone.now() - timedelta(minutes=2), make_bot()
    return Event.objects.bulk_create(
        Event(
            bot=bot,
            dedupe_key=f"{event_type}-{number}",
            event_type=event_type,
            arrived_by=Arrived.WEBSOCKET,
            status=EventStatus.DISPATCHED,
            payload=b"{}",
            created_at=long_ago,
            received_at=long_ago,
        )
        for number in range(count)
    )


def test_callback_that_is_known_by_its_ending_is_ended_as_well():
    [callback], [event] = events("calendar.slots.get"), events("calendar.slots.get_v1")
    assert end_lost_clicks() == 1
    callback.refresh_from_db()
    event.refresh_from_db()
    assert (callback.status, callback.error) == (EventStatus.DEAD, LOST_CLICK())
    assert event.status == EventStatus.DISPATCHED


def test_table_without_events_has_no_callbacks():
    assert end_lost_clicks() == 0


@pytest.mark.only_on("postgres")
def test_backlog_is_not_read_for_its_callbacks():
    events("test.plan_v1", count=3 * BACKLOG)
    analyze()
    with plans() as seen:
        end_lost_clicks()
    assert [sql for sql, scanned in seen.items() if "events_event" in scanned] == []

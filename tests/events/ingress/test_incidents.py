from datetime import timedelta

import pytest
from django.utils import timezone

from bots.incidents.detection import detect
from bots.models import Incident
from events.enums import Arrived, EventStatus
from events.ingress.incidents import bots_with_unreadable_events
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Event
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def unreadable(bot, payload=b"\x1f\x8b rubbish") -> Event:
    [stored] = store([read_event(bot_id=bot.pk, payload=payload, arrived_by=Arrived.WEBSOCKET)])
    return Event.objects.get(pk=stored.event_pk)


def test_unreadable_event_is_an_incident_until_an_hour_has_passed_without_another():
    bot = make_bot()
    event = unreadable(bot)
    assert event.status == EventStatus.QUARANTINED
    detect()
    incident = Incident.objects.get()
    assert (incident.bot, incident.cause) == (bot, "unreadable")
    assert "compressed" in incident.explanation.cause.en_us
    Event.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert list(bots_with_unreadable_events()) == []


def test_incident_begins_with_the_first_of_several():
    bot, other = make_bot(), make_bot()
    first = unreadable(bot)
    unreadable(bot, b"[]")
    unreadable(other)
    problems = {problem.subject: problem for problem in bots_with_unreadable_events()}
    assert set(problems) == {bot, other}
    assert problems[bot].began_at == first.received_at


def test_bot_that_is_off_has_no_incident():
    unreadable(make_bot(enabled=False))
    assert list(bots_with_unreadable_events()) == []

import json
import uuid

import psycopg
import pytest
from django.db import OperationalError

from events.enums import Arrived, EventStatus
from events.ingress.incoming import IncomingEvent, read_event
from events.ingress.store_once import store
from events.models import Event, EventQuerySet
from tests.anything import UNREADABLE
from tests.factories import click_event, make_bot, message_event

pytestmark = pytest.mark.django_db


def arrived(bot, payload: dict | bytes) -> IncomingEvent:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET, trace_id="trace")


def test_new_event_is_stored_as_it_came_without_its_token():
    bot, payload = make_bot(), message_event(text="hello")
    payload["header"]["create_time"] = "1700000000123"
    [stored] = store([arrived(bot, payload)])
    event = Event.objects.get(pk=stored.event_pk)
    payload["header"]["token"] = ""
    assert json.loads(bytes(event.payload)) == payload
    assert (event.event_type, event.status, event.trace_id) == (
        "im.message.receive_v1",
        EventStatus.RECEIVED,
        "trace",
    )
    assert event.created_at.isoformat() == "2023-11-14T22:13:20.123000+00:00"


def test_what_is_stored_is_found_by_its_values():
    """However a batch is written, Django has to read and compare it as if it had been written by Django."""
    bot = make_bot()
    one = arrived(bot, message_event())
    [stored] = store([one])
    found = Event.objects.filter(
        bot=bot.pk,
        received_at=one.received_at,
        created_at=one.created_at,
        arrived_by=Arrived.WEBSOCKET,
        payload=one.payload,
    )
    assert list(found.values_list("pk", flat=True)) == [stored.event_pk]


def test_batch_that_is_committed_counts_as_stored_even_if_its_duplicates_cannot_be_counted(monkeypatch):
    bot, payload = make_bot(), message_event()
    store([arrived(bot, payload)])

    def deadlock(self, **values):
        raise OperationalError

    monkeypatch.setattr(EventQuerySet, "update", deadlock)
    again, new = store([arrived(bot, payload), arrived(bot, message_event())])
    assert (again.is_new, new.is_new) == (False, True)


def test_same_event_again_is_counted_and_not_stored():
    bot, payload = make_bot(), message_event()
    store([arrived(bot, payload)])
    [again] = store([arrived(bot, payload)])
    assert not again.is_new
    assert Event.objects.get().duplicates == 1


def test_message_under_a_new_event_id_is_the_same_message():
    bot = make_bot()
    store([arrived(bot, message_event(message_id="om_same", event_id="first"))])
    [again] = store([arrived(bot, message_event(message_id="om_same", event_id="second"))])
    assert not again.is_new


def test_event_twice_in_one_batch_is_stored_once():
    bot, payload = make_bot(), message_event()
    first, second = store([arrived(bot, payload), arrived(bot, payload)])
    assert first.is_new
    assert not second.is_new
    assert Event.objects.count() == 1


def test_same_event_of_two_bots_is_two_events():
    payload = message_event()
    assert all(
        stored.is_new for stored in store([arrived(make_bot(), payload), arrived(make_bot(), payload)])
    )


@pytest.mark.parametrize(
    "payload",
    [
        *(text.encode() for text in UNREADABLE),
        b"\xff\xfe",
        b'{"uuid":"x","event":{"type":"\xff"}}',
        json.dumps(message_event(event_id="x" * 500)).encode(),
    ],
    ids=[*map(repr, UNREADABLE), "not utf-8", "not utf-8 inside", "endless id"],
)
def test_unreadable_event_is_quarantined_with_its_bytes(payload):
    [stored] = store([arrived(make_bot(), payload)])
    event = Event.objects.get(pk=stored.event_pk)
    assert (event.status, bytes(event.payload)) == (
        EventStatus.QUARANTINED,
        payload.replace(b"verification-token", b""),
    )
    assert event.error


def test_header_with_a_nul_is_quarantined():
    payload = message_event()
    payload["header"]["tenant_key"] = "a\x00b"
    [stored] = store([arrived(make_bot(), payload)])
    assert Event.objects.get(pk=stored.event_pk).status == EventStatus.QUARANTINED


def test_event_of_unknown_type_is_stored():
    payload = message_event()
    payload["header"]["event_type"] = "brand.new_v9"
    [stored] = store([arrived(make_bot(), payload)])
    assert Event.objects.get(pk=stored.event_pk).event_type == "brand.new_v9"


def test_click_waits_for_no_dispatcher():
    [stored] = store([arrived(make_bot(), click_event(value={"action": "x"}))])
    assert Event.objects.get(pk=stored.event_pk).status == EventStatus.DISPATCHED


@pytest.mark.django_db(transaction=True)
def test_event_of_a_bot_that_is_gone_does_not_spoil_its_batch():
    bot = make_bot()
    gone = read_event(
        bot_id=uuid.uuid4(), payload=json.dumps(message_event()).encode(), arrived_by=Arrived.WEBSOCKET
    )
    batch = [arrived(bot, message_event()), gone, arrived(bot, message_event())]
    assert [stored.is_new for stored in store(batch)] == [True, False, True]
    assert Event.objects.count() == 2


@pytest.mark.only_on("postgres")
def test_batch_of_new_events_costs_one_statement(monkeypatch):
    """Counted at psycopg: what goes there directly, Django does not count."""
    sent, execute = [], psycopg.Cursor.execute
    batch = [arrived(make_bot(), message_event()) for _ in range(100)]
    with monkeypatch.context() as counting:
        counting.setattr(
            psycopg.Cursor,
            "execute",
            lambda self, sql, *a, **o: sent.append(sql) or execute(self, sql, *a, **o),
        )
        assert all(stored.is_new for stored in store(batch))
    assert len(sent) == 1


@pytest.mark.only_on("sqlite")
def test_batch_of_new_events_costs_a_statement_and_a_savepoint(django_assert_num_queries):
    batch = [arrived(make_bot(), message_event()) for _ in range(100)]
    with django_assert_num_queries(3):
        assert all(stored.is_new for stored in store(batch))

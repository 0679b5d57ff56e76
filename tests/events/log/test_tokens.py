import json

import pytest

from events.enums import EventStatus
from events.log.tokens import blank_tokens
from events.models import Event
from tests.events.handler_runs import stored_event
from tests.factories import click_event, message_event

pytestmark = pytest.mark.django_db

TOKEN = "verification-token"


@pytest.fixture
def old_rows(bot):
    """Events stored with their tokens, and one without."""
    payloads = [
        json.dumps(message_event()).encode(),
        json.dumps(click_event(value={})).encode(),
        json.dumps({"uuid": "u", "token": TOKEN, "event": {"type": "approval_instance"}}).encode(),
        json.dumps({"challenge": "c", "token": TOKEN, "type": "url_verification"}).encode(),
        b'{"header": {"token": "' + TOKEN.encode() + b'"',
        b"no json",
    ]
    rows = [stored_event(message_event(), bot=bot) for _ in payloads]
    for row, payload in zip(rows, payloads, strict=True):
        Event.objects.filter(pk=row.pk).update(payload=payload)
    return rows


def test_tokens_of_old_rows_are_blanked_in_every_shape(old_rows, monkeypatch):
    monkeypatch.setattr("events.log.tokens.BATCH", 2)
    seen = []
    assert blank_tokens(on_progress=seen.append) == 5
    assert sum(seen) == 6
    payloads = [bytes(payload) for payload in Event.objects.values_list("payload", flat=True)]
    assert not any(TOKEN.encode() in payload for payload in payloads)
    assert b"no json" in payloads
    assert blank_tokens() == 0


def test_token_of_a_click_stays_since_it_updates_its_card(old_rows):
    blank_tokens()
    click = Event.objects.get(pk=old_rows[1].pk)
    assert click.data["token"].startswith("c-")
    assert click.status == EventStatus.RECEIVED

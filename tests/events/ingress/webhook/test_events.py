import json

import pytest

from events.enums import Arrived, EventStatus
from events.models import Event
from tests.anything import UNREADABLE
from tests.events.ingress.webhook.pushes import CHALLENGE, KEY, encoded, path, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)


async def test_event_is_committed_before_it_is_acked(http, bot, database):
    event = message_event()
    response = await http.post(path(bot), **request(event))
    assert (response.status_code, response.json()) == (200, {"msg": "success"})
    stored = await database.run(Event.objects.get)
    assert (stored.bot_id, stored.arrived_by, stored.status) == (
        bot.pk,
        Arrived.WEBHOOK,
        EventStatus.RECEIVED,
    )
    event["header"]["token"] = ""
    assert json.loads(bytes(stored.payload)) == event


async def test_event_pushed_again_is_acked_and_stored_once(http, bot, database):
    again = request(message_event())
    assert [(await http.post(path(bot), **again)).status_code for _ in range(3)] == [200, 200, 200]
    assert (await database.run(Event.objects.get)).duplicates == 2


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=gbk", "nonsense"])
async def test_content_type_does_not_matter(http, bot, content_type):
    sent = request(message_event())
    sent["headers"]["Content-Type"] = content_type
    assert (await http.post(path(bot), **sent)).status_code == 200


@pytest.mark.parametrize("payload", [text.encode() for text in UNREADABLE])
async def test_unreadable_but_authentic_event_is_acked_and_quarantined(http, bot, database, payload):
    assert (await http.post(path(bot), **request(payload))).status_code == 200
    stored = await database.run(Event.objects.get)
    assert (stored.status, bytes(stored.payload)) == (EventStatus.QUARANTINED, payload)


async def test_plain_event_is_accepted_by_its_token_alone(http, make, database):
    bot = await make(encrypt_key="")
    assert (await http.post(path(bot), json=message_event())).status_code == 200
    assert await database.run(Event.objects.count) == 1


@pytest.mark.parametrize("encrypted", [True, False])
async def test_challenge_is_returned_plain(http, make, database, encrypted):
    bot = await make(encrypt_key=KEY if encrypted else "")
    challenge = CHALLENGE | {"challenge": 'a "demo"'}
    content = request(challenge)["content"] if encrypted else encoded(challenge)
    response = await http.post(path(bot), content=content)
    assert (response.status_code, response.json()) == (200, {"challenge": 'a "demo"'})
    assert await database.run(Event.objects.count) == 0

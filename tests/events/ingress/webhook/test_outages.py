import pytest
from django.db import OperationalError

from events.ingress import writer
from events.ingress.webhook import bots, server
from events.models import Event
from tests.events.ingress.webhook.pushes import path, refused, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)


async def test_event_that_cannot_be_stored_is_refused_so_that_it_comes_again(
    http, bot, database, monkeypatch
):
    def gone(batch, **options):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(writer, "store", gone)
        assert refused(await http.post(path(bot), **request(message_event()))) == (500, "not_stored")
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    assert await database.run(Event.objects.count) == 1


async def test_database_that_cannot_be_asked_for_bots_is_a_500(http, bot, monkeypatch):
    def gone():
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(bots, "_load", gone)
        assert refused(await http.post(path(bot), **request(message_event()))) == (500, "not_stored")
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200


async def test_database_that_hangs_is_not_waited_for(http, bot, database, monkeypatch, stuck_store):
    monkeypatch.setattr(server, "DATABASE_SECONDS", 0.2)
    sent = request(message_event())
    assert refused(await http.post(path(bot), **sent)) == (500, "not_stored")
    stuck_store.set()
    monkeypatch.setattr(server, "DATABASE_SECONDS", 5)
    assert (await http.post(path(bot), **sent)).status_code == 200
    assert await database.run(Event.objects.count) == 1


async def test_error_nobody_thought_of_is_a_500_and_logged(http, bot, monkeypatch, caplog):
    monkeypatch.setattr(server, "examine", lambda *_args, **_values: 1 / 0)
    assert refused(await http.post(path(bot), **request(message_event()))) == (500, "internal_error")
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["webhook_failed"]

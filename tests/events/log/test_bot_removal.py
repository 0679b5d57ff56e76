"""A deleted bot is gone at once, and its millions of rows soon."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import Bot, ConnectionSlot
from bots.removal import remove, remove_deleted_bots
from bots.service import BotChanges, delete_bot, put_bot
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.vault.fields import encrypted_field
from events.log import bot_removal
from events.models import Event, HandlerRun
from tests.events.log.rows import make_event
from tests.factories import make_bot, make_grant, make_operator


@pytest.fixture
def bot(db) -> Bot:
    bot = make_bot()
    bot.owners.add(make_operator("owner"))
    for _ in range(5):
        HandlerRun.objects.create(event=make_event(bot), bot=bot, handler="shop")
    make_grant(bot)
    return bot


def test_a_deleted_bot_is_out_of_sight_before_its_events_are_gone(bot: Bot) -> None:
    app_id, owner = bot.app_id, bot.owners.get()
    delete_bot(bot, actor=SYSTEM)
    assert not Bot.objects.filter(pk=bot.pk).exists()
    assert not Event.objects.visible_to(owner).exists()
    assert not ConnectionSlot.objects.filter(bot=bot).exists()
    gone = Bot.with_deleted.get(pk=bot.pk)
    assert not encrypted_field(Bot, "app_secret").is_set(gone)
    assert AuditEntry.objects.get(action="bot.deleted").app_id == app_id


def test_its_app_id_can_be_added_again_at_once(bot: Bot) -> None:
    app_id = bot.app_id
    delete_bot(bot, actor=SYSTEM)
    changes = BotChanges({"name": "again", "app_secret": "s"})
    again, is_new = put_bot(app_id=app_id, changes=changes, actor=SYSTEM)
    assert is_new
    assert again.pk != bot.pk


def test_few_events_go_with_the_deletion_itself(bot: Bot, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        delete_bot(bot, actor=SYSTEM)
    assert not Bot.with_deleted.filter(pk=bot.pk).exists()
    assert not Event.objects.exists()


def test_many_events_go_chunk_by_chunk_and_the_sweep_goes_on(bot: Bot, monkeypatch) -> None:
    other = make_event(make_bot())
    monkeypatch.setattr(bot_removal, "BATCH", 2)
    delete_bot(bot, actor=SYSTEM)
    assert not remove(bot, seconds=0)
    assert Event.objects.filter(bot=bot).count() == 5
    remove_deleted_bots()
    assert list(Event.objects.all()) == [other]
    assert list(Bot.with_deleted.all()) == [other.bot]


def test_no_event_is_loaded(bot: Bot) -> None:
    delete_bot(bot, actor=SYSTEM)
    with CaptureQueriesContext(connection) as queries:
        remove_deleted_bots()
    assert not any("SELECT" in one["sql"] and '"payload"' in one["sql"] for one in queries)
    assert not Event.objects.exists()

import uuid

import pytest

from bots.app_ids import app_ids_of, ids_of
from bots.service import delete_bot
from core.access.actors import SYSTEM
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def test_bots_are_found_by_app_id_and_by_key_and_others_left_out():
    bot, other = make_bot(), make_bot()
    assert ids_of([bot.app_id, "cli_nobodys"]) == {bot.app_id: bot.pk}
    assert app_ids_of([other.pk, uuid.uuid4()]) == {other.pk: other.app_id}


def test_bot_that_is_deleted_is_not_found():
    bot = make_bot()
    app_id, key = bot.app_id, bot.pk
    delete_bot(bot, actor=SYSTEM)
    assert (ids_of([app_id]), app_ids_of([key])) == ({}, {})

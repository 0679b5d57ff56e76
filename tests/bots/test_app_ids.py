import uuid

import pytest

from bots.app_ids import app_ids_of, visible_to
from bots.service import delete_bot
from core.access.actors import SYSTEM
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def test_bots_are_found_by_key_and_others_left_out():
    other = make_bot()
    assert app_ids_of([other.pk, uuid.uuid4()]) == {other.pk: other.app_id}


def test_bot_that_is_deleted_is_not_found():
    bot = make_bot()
    key = bot.pk
    delete_bot(bot, actor=SYSTEM)
    assert app_ids_of([key]) == {}


def test_operator_sees_the_bots_they_own_by_name(django_assert_num_queries):
    owner = make_operator()
    make_bot(name="Alien")
    for name in ("Beta", "Alpha"):
        make_bot(name=name).owners.add(owner)
    with django_assert_num_queries(1):
        assert [(bot.name, bot.app_id[:4]) for bot in visible_to(owner)] == [
            ("Alpha", "cli_"),
            ("Beta", "cli_"),
        ]

import pytest

from core.access import bot_directory
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def test_app_that_knows_bots_has_registered_its_answers():
    bot = make_bot()
    assert bot_directory.app_ids_of([bot.pk]) == {bot.pk: bot.app_id}

import pytest

from events import saved_card
from tests.factories import make_bot, make_card_template


@pytest.mark.django_db
def test_handler_gets_the_card_of_its_bot() -> None:
    bot = make_bot()
    make_card_template(bot, name="disk-full")
    card = saved_card(bot, "disk-full", {"text": "db"})
    assert card == {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "db"}]}}

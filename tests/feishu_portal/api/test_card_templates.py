import pytest
from django.test import Client

from bots.models import Bot
from core.access.scopes import Scope
from tests.factories import make_bot, make_card_template
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return make_bot()


@pytest.fixture
def client() -> Client:
    return api_client(Scope.MESSAGES_SEND)


def test_templates_are_listed_by_name_and_own_ones_hide_those_of_all_bots(client: Client, bot: Bot) -> None:
    make_card_template(None, name="b", description="of all")
    own = make_card_template(bot, name="b", description="own")
    make_card_template(None, name="a")
    make_card_template(make_bot(), name="c")
    address = f"/api/v1/bots/{bot.app_id}/card-templates"
    first = client.get(f"{address}?limit=1").json()
    assert ([one["name"] for one in first["items"]], first["next_cursor"]) == (["a"], "a")
    assert first["items"][0]["for_all_bots"] is True
    second = client.get(f"{address}?limit=1&cursor=a").json()
    assert second["next_cursor"] is None
    [shown] = second["items"]
    assert (shown["id"], shown["description"], shown["version"]) == (str(own.pk), "own", 1)
    assert shown["variables"] == [
        {"name": "text", "type": "text", "description": "", "required": True, "default": None, "choices": []}
    ]


def test_template_is_shown_as_it_would_be_sent(client: Client, bot: Bot) -> None:
    own = make_card_template(bot, name="a")
    for name in ("a", str(own.pk)):
        shown = client.get(f"/api/v1/bots/{bot.app_id}/card-templates/{name}").json()
        assert (shown["name"], shown["card"]) == ("a", own.card)
    assert client.get(f"/api/v1/bots/{bot.app_id}/card-templates/none").status_code == 404


def test_key_needs_the_scope_to_send(bot: Bot) -> None:
    lacking = api_client(Scope.BOTS_READ)
    assert lacking.get(f"/api/v1/bots/{bot.app_id}/card-templates").status_code == 403

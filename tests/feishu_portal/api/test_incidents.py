import pytest
from django.utils import timezone

from bots.models import Incident
from core.access.scopes import Scope
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


def make_incident(bot, cause: str, **values) -> Incident:
    return Incident.objects.create(bot=bot, cause=cause, began_at=timezone.now(), **values)


def test_open_incidents_come_first_page_by_page():
    bot = make_bot()
    names = ["configuration", "not_connected", "foreign"]
    made = [make_incident(bot, name) for name in names]
    make_incident(bot, "clock", closed_at=timezone.now())
    client = api_client(Scope.BOTS_READ)
    first = client.get(f"/api/v1/bots/{bot.app_id}/incidents", {"limit": 2}).json()
    rest = client.get(
        f"/api/v1/bots/{bot.app_id}/incidents", {"limit": 2, "cursor": first["next_cursor"]}
    ).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [row.pk for row in reversed(made)]
    assert rest["next_cursor"] is None
    everything = client.get(f"/api/v1/bots/{bot.app_id}/incidents", {"state": "all"}).json()
    assert len(everything["items"]) == 4


def test_incident_says_what_is_wrong_and_what_to_do():
    bot = make_bot(name="Approvals")
    make_incident(bot, "configuration", code=10014, message="app secret invalid")
    [item] = api_client(Scope.BOTS_READ).get(f"/api/v1/bots/{bot.pk}/incidents").json()["items"]
    assert (item["cause"], item["platform_code"], item["error"]) == (
        "configuration",
        10014,
        "app secret invalid",
    )
    assert "Approvals" in item["headline"]
    assert item["cure"]


def test_key_without_the_scope_sees_none():
    bot = make_bot()
    assert api_client(Scope.EVENTS_READ).get(f"/api/v1/bots/{bot.pk}/incidents").status_code == 403

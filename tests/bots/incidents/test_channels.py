"""By which bot a notice goes, and to which address."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.enums import Channel, SlotState
from bots.incidents.channels import receive_id_type
from bots.incidents.fleet import tell_people, watch_fleet
from bots.models import Incident, Notice, PlatformCount
from core.access.models import User
from tests.bots.incidents.people import make_person, make_troubled, make_well, notify_all
from tests.factories import PLATFORM

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """What reaches the platform as messages."""
    bodies: list[dict[str, Any]] = []

    def take(request: Any) -> Any:
        bodies.append(dict(request.url.params) | json.loads(request.content))
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}})

    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-0ken", "expire": 7140}
        )
        router.post("/open-apis/im/v1/messages").mock(side_effect=take)
        yield bodies


def title_of(message: dict[str, Any]) -> str:
    """Of a card."""
    title: str = json.loads(message["content"])["header"]["title"]["content"]
    return title


@pytest.fixture
def lin() -> User:
    return make_person("lin", email="", feishu_address="lin@corp.example.com")


def test_another_bot_of_the_owner_that_is_well_writes_to_them(sent, lin):
    make_well(lin)
    make_troubled(lin)
    notify_all()
    [message] = sent
    assert (message["receive_id_type"], message["receive_id"]) == ("email", "lin@corp.example.com")
    assert title_of(message) == "Severe: Helper cannot connect: the configuration is wrong"
    assert len(message["uuid"]) <= 50
    assert Notice.objects.get().channel == Channel.FEISHU


def test_strangers_bot_carries_no_message(sent, lin):
    make_well(make_person("stranger"))
    make_troubled(lin)
    notify_all()
    assert sent == []
    assert Notice.objects.get().error == "no_bot"


def test_bot_with_a_foreign_connection_can_still_write(sent, lin):
    bot = make_well(lin)
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=1, more_counts=2)
    notify_all()
    assert len(sent) == 1
    assert Incident.objects.get().cause == "foreign"
    assert "3 connections" in sent[0]["content"]


def test_where_nobody_holds_connections_a_bot_without_one_writes_all_the_same(sent):
    boss = make_person("boss", superuser=True, email="", feishu_address="boss@corp.example.com")
    bot = make_well()
    bot.slots.update(state=SlotState.STOPPED, lease_until=None)
    tell_people(watch_fleet(watched_seconds=3_600))
    [message] = sent
    assert message["receive_id"] == boss.feishu_address
    assert "No runfeishu is running" in message["content"]


def test_platform_that_takes_no_card_gets_a_text(lin):
    make_well(lin)
    make_troubled(lin)
    kinds: list[str] = []

    def take(request: Any) -> Any:
        kinds.append(json.loads(request.content)["msg_type"])
        if kinds[-1] == "interactive":
            return httpx2.Response(400, json={"code": 230099, "msg": "Failed to create card content"})
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}})

    with respx.mock(base_url=PLATFORM) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-0ken", "expire": 7140}
        )
        router.post("/open-apis/im/v1/messages").mock(side_effect=take)
        notify_all()
    notice = Notice.objects.get()
    assert (kinds, notice.card, bool(notice.problem_sent_at)) == (["interactive", "text"], None, True)


def test_bot_that_signs_operators_in_writes_before_others(sent, lin, settings):
    make_well(lin, name="A bot")
    bot = make_well(lin, name="Z bot")
    settings.SIGN_IN_BOT = bot.app_id
    make_troubled(lin)
    notify_all()
    assert Notice.objects.get().card.bot == bot


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("lin@example.com", "email"),
        ("on_1", "union_id"),
        ("ou_1", "open_id"),
        ("oc_1", "chat_id"),
        ("4d7a3c6g", "user_id"),
    ],
)
def test_kind_of_an_address_is_seen_by_its_look(address, kind):
    assert receive_id_type(address) == kind

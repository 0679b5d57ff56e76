"""The group picker: what it is offered, and by whom it may be asked."""

import pytest
import respx
from django.test import Client
from django.urls import reverse

from bots.models import Bot
from tests.console.rows import Rows, page_of
from tests.factories import PLATFORM

pytestmark = pytest.mark.django_db


def address(bot: Bot) -> str:
    return reverse("admin:bots_bot_chats", args=[bot.pk])


@pytest.fixture
def groups():
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        items = [{"chat_id": "oc_duty", "name": "值班群"}, {"chat_id": "oc_2", "name": ""}]
        yield router.get("/open-apis/im/v1/chats").respond(json={"code": 0, "data": {"items": items}})


def test_groups_of_the_bot_are_offered_by_name(rows: Rows, as_owner: Client, groups) -> None:
    answer = as_owner.post(address(rows.bot)).json()
    assert answer == {
        "chats": [{"id": "oc_2", "name": "Group without a name"}, {"id": "oc_duty", "name": "值班群"}],
        "note": "",
        "problem": "",
    }


def test_why_none_is_offered_is_said(rows: Rows, as_owner: Client, groups) -> None:
    groups.respond(json={"code": 99991672, "msg": "no scope"})
    answer = as_owner.post(address(rows.bot)).json()
    assert "could not be asked. The app lacks a scope. " in answer["problem"]


def test_nothing_is_asked_by_get_and_for_no_stranger(
    rows: Rows, as_owner: Client, as_stranger: Client, groups
) -> None:
    assert as_owner.get(address(rows.bot)).status_code == 405
    assert as_stranger.post(address(rows.bot)).status_code == 404
    assert not groups.called


def test_forms_of_alert_receivers_have_the_picker(rows: Rows, as_owner: Client) -> None:
    page = as_owner.get(reverse("admin:alerts_alertreceiver_add"))
    assert 'data-bot="id_bot" data-of=""' in page.text
    assert "portal/chats" in page.text
    change = as_owner.get(page_of("alerts_alertreceiver", rows.alert_group.receiver))
    assert f'data-of="{rows.bot.pk}"' in change.text

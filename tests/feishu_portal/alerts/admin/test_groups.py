import pytest
from django.test import Client

from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from feishu_portal.alerts.groups import acknowledge
from feishu_portal.alerts.models import AlertGroup
from tests.console.rows import Rows, list_of, messages_of, page_of, text_of
from tests.feishu_portal.alerts.messages import fire, message

PAGE = "alerts_alertgroup"


@pytest.fixture
def group(rows: Rows) -> AlertGroup:
    return fire(rows.alert_group.receiver)


def test_operator_acknowledges_in_the_console(group, as_owner: Client, owner) -> None:
    address = page_of(PAGE, group, "acknowledge")
    assert "says that you take care" in text_of(as_owner.get(address))
    response = as_owner.post(address, follow=True)
    assert messages_of(response) == ["The alerts are acknowledged."]
    group.refresh_from_db()
    assert group.acknowledged_by == f"operator:{owner.username}"
    assert AuditEntry.objects.get(action="alert_group.acknowledged").operator == owner
    assert messages_of(as_owner.post(address, follow=True)) == ["Somebody did before, or it is over."]


def test_button_is_there_as_long_as_somebody_is_missing(group, as_owner: Client) -> None:
    address = page_of(PAGE, group)
    assert "/acknowledge" in text_of(as_owner.get(address))
    acknowledge(group, actor=SYSTEM)
    assert "/acknowledge" not in text_of(as_owner.get(address))


def test_stranger_acknowledges_nothing(group, as_stranger: Client) -> None:
    assert as_stranger.post(page_of(PAGE, group, "acknowledge")).status_code == 404
    group.refresh_from_db()
    assert group.acknowledged_at is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Being sent"),
        ({"message_id": "om_1"}, "Being updated"),
        ({"card_given_up": True, "card_error": "[230002] out of the chat"}, "Cannot be shown"),
        ({"card_shows": 1}, "Up to date"),
    ],
)
def test_page_says_whether_the_chat_has_the_card(group, as_owner: Client, values, said) -> None:
    AlertGroup.objects.filter(pk=group.pk).update(**values)
    page = text_of(as_owner.get(page_of(PAGE, group)))
    assert said in page
    assert values.get("card_error", "") in page
    assert said in text_of(as_owner.get(list_of(PAGE)))


def test_page_shows_the_alerts_and_what_looks_like_a_secret_not(rows: Rows, as_owner: Client) -> None:
    labels = {"alertname": "<script>", "password": "hunter2"}
    body = message(groupKey="evil")
    body["alerts"][0]["labels"] = labels
    group = fire(rows.alert_group.receiver, body)
    page = text_of(as_owner.get(page_of(PAGE, group)))
    assert "<script>&quot;" not in page
    assert "hunter2" not in page

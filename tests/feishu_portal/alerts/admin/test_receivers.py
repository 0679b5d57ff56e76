import pytest
from django.test import Client
from django.urls import reverse

from core.access.models import AuditEntry
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from tests.console.rows import Rows, list_of, page_of, text_of

ADD = "admin:alerts_alertreceiver_add"
PAGE = "alerts_alertreceiver"


def actions() -> list[str]:
    return list(
        AuditEntry.objects.order_by("pk").filter(action__startswith="alert").values_list("action", flat=True)
    )


def form(rows: Rows, **values: str) -> dict[str, str]:
    return {
        "name": "Duty",
        "bot": str(rows.bot.pk),
        "chat_id": "oc_duty",
        "alertmanager_url": "http://alertmanager.example.com:9093",
    } | values


def test_owner_adds_one_and_gets_what_alertmanager_has_to_know(rows: Rows, as_owner: Client) -> None:
    rows.alert_group.receiver.delete()
    response = as_owner.post(reverse(ADD), form(rows), follow=True)
    receiver = AlertReceiver.objects.get()
    assert (receiver.bot, receiver.chat_id) == (rows.bot, "oc_duty")
    page = text_of(response)
    assert f"https://portal.test/api/v1/alertmanager/{receiver.pk}" in page
    assert "credentials_file" in page
    assert actions() == ["alert_receiver.created"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chat_id", "ou_person"),
        ("chat_id", "oc_ duty"),
        ("chat_id", "oc_字"),
        ("alertmanager_url", "alertmanager:9093"),
        ("alertmanager_url", "ftp://alertmanager"),
        ("alertmanager_url", "http://user:password@alertmanager:9093"),
        ("alertmanager_url", "http://169.254.169.254:9093"),
        ("name", ""),
    ],
)
def test_what_leads_nowhere_is_refused(rows: Rows, as_owner: Client, field: str, value: str) -> None:
    response = as_owner.post(reverse(ADD), form(rows, **{field: value}))
    assert list(response.context["adminform"].form.errors) == [field]


def test_stranger_gives_no_foreign_bot_a_receiver(rows: Rows, as_stranger: Client) -> None:
    response = as_stranger.post(reverse(ADD), form(rows))
    assert list(response.context["adminform"].form.errors) == ["bot"]
    assert rows.bot.name not in text_of(as_stranger.get(reverse(ADD)))
    assert AlertReceiver.objects.count() == 1


def test_owner_changes_all_but_the_bot(rows: Rows, as_owner: Client) -> None:
    receiver = rows.alert_group.receiver
    as_owner.post(page_of(PAGE, receiver), form(rows, name="Night", chat_id="oc_night", bot=""))
    receiver.refresh_from_db()
    assert (receiver.name, receiver.chat_id, receiver.bot) == ("Night", "oc_night", rows.bot)
    assert actions() == ["alert_receiver.updated"]


def test_owner_deletes_one_with_its_record(rows: Rows, as_owner: Client) -> None:
    address = page_of(PAGE, rows.alert_group.receiver, "delete")
    assert "cards in the chat stay" in text_of(as_owner.get(address))
    as_owner.post(address, {"post": "yes"})
    assert not AlertReceiver.objects.exists()
    assert not AlertGroup.objects.exists()
    assert actions() == ["alert_receiver.deleted"]


def test_list_finds_one_by_its_chat(rows: Rows, as_owner: Client) -> None:
    def found(term: str) -> int:
        return len(as_owner.get(list_of(PAGE), {"q": term}).context["cl"].result_list)

    assert (found("oc_duty"), found("oc_"), found("Help")) == (1, 0, 1)

import json
from typing import Any

import httpx2
import pytest
from django.test import Client

from core.access.scopes import Scope
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from feishu_portal.api import alerts as api
from tests.factories import make_bot
from tests.feishu_portal.alerts.messages import alert, make_receiver, message, shown_cards
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver() -> AlertReceiver:
    return make_receiver()


@pytest.fixture
def client() -> Client:
    return api_client(Scope.ALERTS_SEND)


@pytest.fixture(autouse=True)
def notified(monkeypatch) -> list[tuple[object, ...]]:
    """Notifications end in a list instead of a broker: no worker shows a card."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr("feishu_portal.alerts.notify.notify", lambda *call: sent.append(call))
    return sent


def send(client: Client, receiver: AlertReceiver, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"/api/v1/alertmanager/{receiver.pk}", body or message(), "application/json")


def test_card_is_in_the_chat_before_the_answer_though_nobody_works(client, receiver, platform) -> None:
    response = send(client, receiver)
    assert (response.status_code, response.json()) == (200, {"card": "shown"})
    [card] = shown_cards(platform.sends)
    assert card["header"]["title"]["content"] == "Alert: NobodyWorks"


def test_repetition_shows_nothing_and_the_end_changes_the_card(client, receiver, platform) -> None:
    assert [send(client, receiver).json()["card"] for _ in range(3)] == ["shown"] * 3
    assert (len(platform.sends.calls), len(platform.patches.calls)) == (1, 0)
    assert send(client, receiver, message(resolved=True)).json() == {"card": "shown"}
    assert (len(platform.sends.calls), len(platform.patches.calls)) == (1, 1)
    assert send(client, receiver, message(resolved=True)).json() == {"card": "none"}
    assert (len(platform.sends.calls), len(platform.patches.calls)) == (1, 1)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(400, 230049, 503), (400, 230002, 424), (400, 230020, 503), (500, 230049, 503)],
)
def test_refusal_of_the_platform_is_alertmanagers_to_repeat(
    client, receiver, platform, pauses_pass, status, code, expected
) -> None:
    platform.sends.respond(status, json={"code": code, "msg": "no"})
    assert send(client, receiver).status_code == expected
    assert AlertGroup.objects.get().card_error
    platform.sends.respond(json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_duty"}})
    assert send(client, receiver).json() == {"card": "shown"}
    assert AlertGroup.objects.count() == 1


def test_platform_that_hangs_is_waited_for_briefly(client, receiver, platform) -> None:
    platform.sends.mock(side_effect=httpx2.ReadTimeout)
    response = send(client, receiver)
    assert (response.status_code, response.json()["code"]) == (504, "upstream_failed")
    assert 0 < platform.sends.calls[0].request.extensions["timeout"]["read"] <= api.CALL_SECONDS


def test_what_has_no_place_is_left_to_a_worker(
    client, receiver, platform, notified, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    monkeypatch.setattr(api, "MAX_SENDING", 0)
    with django_capture_on_commit_callbacks(execute=True):
        response = send(client, receiver)
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert notified == [("alerts.sync_card", AlertGroup.objects.get().pk)]
    assert not platform.sends.called


def test_card_that_somebody_else_is_sending_is_pending(client, receiver, platform) -> None:
    answers = []

    def meanwhile(_request: httpx2.Request) -> httpx2.Response:
        answers.append(send(client, receiver).json())
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_duty"}})

    platform.sends.mock(side_effect=meanwhile)
    assert send(client, receiver).json() == {"card": "shown"}
    assert answers == [{"card": "pending"}]


def test_bot_that_is_switched_off_takes_no_alerts(client, receiver, platform) -> None:
    type(receiver.bot).objects.update(enabled=False)
    response = send(client, receiver)
    assert (response.status_code, response.json()["code"]) == (409, "bot_disabled")
    assert not AlertGroup.objects.exists()


def test_strangers_find_no_receiver(receiver, platform) -> None:
    unknown = AlertReceiver(pk="00000000-0000-4000-8000-000000000000")
    stranger = api_client(Scope.ALERTS_SEND, bots=[make_bot()])
    answers = [send(stranger, one) for one in (receiver, unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert send(api_client(Scope.MESSAGES_SEND), receiver).status_code == 403
    assert send(Client(), receiver).status_code == 401
    assert not AlertGroup.objects.exists()


def test_client_of_the_bot_may_send_its_alerts(receiver, platform) -> None:
    assert send(api_client(Scope.ALERTS_SEND, bots=[receiver.bot]), receiver).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"version": "3"},
        {"status": "unknown"},
        {"groupKey": ""},
        {"alerts": None},
        {"version": 4},
        {"alerts": [alert(startsAt="yesterday")]},
        {"alerts": [alert(labels={"a": 1})]},
        {"truncatedAlerts": -1},
    ],
)
def test_message_of_another_shape_is_refused_for_good(client, receiver, platform, change) -> None:
    response = send(client, receiver, message() | change)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-29T08:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
        1764403200,
        -(10**9),
    ],
)
def test_any_moment_is_one_that_the_card_can_show(client, receiver, platform, written) -> None:
    """Also beside one that has a time zone; of alerts that are over as well."""
    alerts = [
        alert(),
        alert("Other", startsAt=written),
        alert("Over", resolved=True, startsAt=written, endsAt=written),
    ]
    response = send(client, receiver, message(*alerts))
    assert (response.status_code, response.json()) == (200, {"card": "shown"})
    assert len(AlertGroup.objects.get().content["alerts"]) == 3


def test_grafana_says_the_same_under_a_version_of_its_own(client, receiver, platform) -> None:
    body = message(
        alert(values={"A": 1}),
        version="1",
        orgId=1,
        title="[FIRING:1]",
        state="alerting",
        message="**Firing**",
    )
    assert send(client, receiver, body).json() == {"card": "shown"}


def test_further_members_are_ignored(client, receiver, platform) -> None:
    """As those that Grafana adds."""
    body = message(
        alert(values={"A": 1}, silenceURL="https://grafana.example.com/"),
        orgId=1,
        title="[FIRING:1]",
        state="alerting",
    )
    assert send(client, receiver, body).status_code == 200


def test_texts_that_no_column_takes_are_kept_all_the_same(client, receiver, platform) -> None:
    body = message(alert(labels={"alertname": "a\x00b"}), externalURL="\x00", groupKey="\x00")
    assert send(client, receiver, body).status_code == 200
    assert "\x00" not in json.dumps(AlertGroup.objects.get().content)

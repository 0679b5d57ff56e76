import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core.access.actors import Actor
from feishu_portal.alerts.errors import SilenceNotSet
from feishu_portal.alerts.models import AlertGroup
from feishu_portal.alerts.silences import silence
from tests.events.subscriptions.http.receiver import Receiver, running
from tests.feishu_portal.alerts.messages import fire, make_receiver

# The request leaves from an event loop of its own.
pytestmark = pytest.mark.django_db(transaction=True)
LIN = Actor.user("ou_lin")


@pytest.fixture
def alertmanager(settings):
    """Takes silences."""
    settings.DELIVERY_NETWORKS = ["loopback"]
    with running() as server:
        server.answer = lambda: (200, {}, b'{"silenceID": "s-1"}')
        yield server


def fire_at(server: Receiver) -> AlertGroup:
    return fire(make_receiver(alertmanager_url=f"http://127.0.0.1:{server.port}/"))


def test_group_is_silenced_by_its_labels_for_so_many_hours(alertmanager) -> None:
    group = fire_at(alertmanager)
    silence(group, hours=4, actor=LIN)
    [(_headers, body)] = alertmanager.requests
    asked = json.loads(body)
    assert asked["matchers"] == [
        {"name": "alertname", "value": "NobodyWorks", "isRegex": False, "isEqual": True}
    ]
    assert asked["createdBy"] == "user:ou_lin"
    length = datetime.fromisoformat(asked["endsAt"]) - datetime.fromisoformat(asked["startsAt"])
    assert timedelta(hours=3, minutes=59) < length <= timedelta(hours=4)
    group.refresh_from_db()
    assert (group.silence_id, group.silenced_by) == ("s-1", "user:ou_lin")
    assert group.silenced_until > timezone.now() + timedelta(hours=3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, {}, b"bad matchers"), "bad matchers"),
        ((200, {}, b"<html>a proxy's page</html>"), "not a JSON object"),
        ((200, {}, b"[]"), "not a JSON object"),
        ((302, {"location": "https://login.example.com/"}, b""), "redirected"),
        ((200, {}, b"x" * 100_000), "not a JSON object"),
    ],
)
def test_answer_that_is_no_silence_says_so_and_changes_nothing(alertmanager, answer, said) -> None:
    group = fire_at(alertmanager)
    alertmanager.answer = lambda: answer
    with pytest.raises(SilenceNotSet, match=said):
        silence(group, hours=1, actor=LIN)
    assert AlertGroup.objects.get().silenced_until is None


def test_networks_that_may_not_be_connected_to_are_not(alertmanager, settings) -> None:
    settings.DELIVERY_NETWORKS = ["public"]
    with pytest.raises(SilenceNotSet, match="FEISHU_DELIVERY_NETWORKS"):
        silence(fire_at(alertmanager), hours=1, actor=LIN)
    assert not alertmanager.requests

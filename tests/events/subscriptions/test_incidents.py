"""A receiver that takes no events is an incident of whoever set up the subscription."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from bots.incidents.detection import RECOVERY, detect
from bots.incidents.notices import due_people, send_due
from bots.models import Incident
from core.access.actors import SYSTEM
from core.access.models import User
from events.enums import SubscriptionState
from events.models import Subscription
from events.subscriptions.circuit_breaker import FAILURES_TO_OPEN
from events.subscriptions.http.post import PushResult
from events.subscriptions.service import resume, switch_off
from tests.events.handler_runs import fanned_out, stored_event
from tests.events.subscriptions.pushing import BROKEN, OK, pushed
from tests.factories import make_bot, make_operator, make_subscription, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def owner(settings) -> User:
    settings.EMAIL_IS_SET_UP = True
    settings.PUBLIC_URL = "https://portal.test"
    owner = make_operator("owner")
    owner.email, owner.language = "owner@example.com", "en"
    owner.save()
    return owner


@pytest.fixture
def subscription(owner) -> Subscription:
    bot = make_bot()
    bot.owners.add(owner)
    return make_subscription(bot, name="Shop", owner=owner)


def keep_failing(subscription: Subscription, *, minutes: float = 60) -> None:
    bot = subscription.bots.get()
    for _ in range(FAILURES_TO_OPEN):
        fanned_out(stored_event(message_event(), bot=bot))
        pushed(subscription, BROKEN, limit=1)
    assert subscription.state == SubscriptionState.FAILING
    since = timezone.now() - timedelta(minutes=minutes)
    Subscription.objects.filter(pk=subscription.pk).update(state_since=since)


def open_incidents() -> list[Incident]:
    detect()
    return list(Incident.objects.open().filter(cause="deliveries"))


def tell_all() -> None:
    for person in due_people():
        send_due(*person)


def test_receiver_that_keeps_failing_is_one_incident_that_its_owner_hears_of(subscription, owner):
    keep_failing(subscription)
    [incident] = open_incidents()
    assert open_incidents() == [incident]
    tell_all()
    [message] = mail.outbox
    assert message.to == ["owner@example.com"]
    assert message.subject == "The receiver of “Shop” takes no events"
    for words in ("HTTP 500", "Fix the receiver", f"/admin/bots/incident/{incident.pk}/change/"):
        assert words in message.body


def test_receiver_that_answers_clicks_is_told_of_in_its_own_words(subscription):
    Subscription.objects.update(
        kind="answer", state="failing", state_since=timezone.now() - timedelta(hours=1), last_error="HTTP 500"
    )
    [_incident] = open_incidents()
    tell_all()
    assert "people who click are told that it failed" in mail.outbox[0].body
    assert "Events are kept" not in mail.outbox[0].body


def test_short_trouble_is_none(subscription, settings):
    settings.ALERT_SECONDS = 120
    keep_failing(subscription, minutes=1)
    assert open_incidents() == []


def test_owner_hears_when_it_takes_events_again(subscription):
    keep_failing(subscription)
    assert open_incidents()
    tell_all()
    Subscription.objects.update(probe_at=timezone.now())
    pushed(subscription, OK, limit=1)
    assert open_incidents()
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    assert open_incidents() == []
    Incident.objects.get().notices.update(problem_sent_at=timezone.now() - timedelta(hours=1))
    tell_all()
    assert mail.outbox[-1].subject == "Shop has recovered"


def test_receiver_that_is_gone_is_one_at_once_until_somebody_decides(subscription):
    fanned_out(stored_event(message_event(), bot=subscription.bots.get()))
    pushed(subscription, PushResult(410, "gone"))
    [incident] = open_incidents()
    assert "返回 410" in incident.explanation.cause.zh_cn
    assert "Shop" in incident.headline
    resume(subscription, actor=SYSTEM)
    assert open_incidents() == [incident]
    switch_off(subscription, actor=SYSTEM)
    assert open_incidents() == []
    assert not incident.notices.exclude(due_at=None).exists()


def test_stranger_sees_and_hears_nothing_of_it(subscription, owner):
    keep_failing(subscription)
    open_incidents()
    assert list(Incident.objects.visible_to(owner)) == list(Incident.objects.all())
    assert not Incident.objects.visible_to(make_operator("stranger")).exists()
    assert {person for person, _channel in due_people()} == {owner.pk}

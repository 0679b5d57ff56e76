"""Dead letters stand together by receiver and kind of error."""

from django.test import Client
from django.utils import timezone

from core.access.models import User
from events.enums import DeliveryStatus
from events.models import Delivery, HandlerRun, ReplayJob
from tests.console.rows import Rows, make_event, text_of
from tests.events.admin.pages import DEAD, MATCHING, shown
from tests.factories import make_subscription


def test_dead_letters_of_a_kind_stand_together(rows: Rows, as_owner: Client) -> None:
    for number in range(3):
        event = make_event(rows.bot)
        event.handler_runs.update(
            fingerprint="kind", error=f"KeyError: 'order {number}'", finished_at=timezone.now()
        )
    html = text_of(as_owner.get(DEAD))
    assert html.count('data-testid="dead-group"') == 2
    assert "KeyError: &#x27;order 2&#x27;" in html
    assert f"{MATCHING}?handler=shop.handlers.order&amp;kind=kind" in html
    assert len(shown(as_owner, handler="shop.handlers.order", kind="kind")) == 3


def test_what_a_receiver_did_not_take_stands_together_and_is_replayed_for_it_alone(
    rows: Rows, owner: User, as_owner: Client
) -> None:
    HandlerRun.objects.all().delete()
    receiver = make_subscription(rows.bot, name="The warehouse", owner=owner)
    for event in (rows.event, make_event(rows.bot)):
        Delivery.objects.create(
            event=event,
            bot=rows.bot,
            subscription=receiver,
            status=DeliveryStatus.DEAD,
            error="HTTP 500: oh no",
            fingerprint="kind",
        )
    HandlerRun.objects.all().delete()
    html = text_of(as_owner.get(DEAD))
    assert html.count('data-testid="dead-group"') == 1
    assert "The warehouse" in html
    assert "HTTP 500: oh no" in html
    assert f"{MATCHING}?subscription={receiver.pk}&amp;kind=kind" in html
    assert len(shown(as_owner, subscription=str(receiver.pk), kind="kind")) == 2
    as_owner.post(f"{MATCHING}?subscription={receiver.pk}&kind=kind", {"mode": "failed", "rate": 5})
    job = ReplayJob.objects.get()
    assert (job.handlers, job.subscriptions, job.expected) == ([], [str(receiver.pk)], 2)


def test_a_group_is_replayed_for_its_handler_alone(rows: Rows, as_owner: Client, handlers: None) -> None:
    rows.event.handler_runs.update(fingerprint="kind")
    as_owner.post(f"{MATCHING}?handler=shop.handlers.order&kind=kind", {"mode": "all", "rate": 5})
    job = ReplayJob.objects.get()
    assert (job.handlers, job.criteria["fingerprint"], job.expected) == (["shop.handlers.order"], "kind", 1)


def test_no_dead_letters_say_so(rows: Rows, as_owner: Client) -> None:
    HandlerRun.objects.all().delete()
    assert "No dead letters" in text_of(as_owner.get(DEAD))

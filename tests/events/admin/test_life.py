"""The life of an event is read once for its page."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.admin.life import life_of
from events.enums import DeliveryStatus, RunStatus
from events.models import Delivery, HandlerRun
from tests.console.rows import Rows
from tests.factories import make_operator, make_subscription


def test_life_takes_four_queries_and_tells_what_failed(rows: Rows, owner) -> None:
    own, others = make_subscription(rows.bot, owner=owner), make_subscription(rows.bot)
    for subscription in (own, others):
        Delivery.objects.create(
            event=rows.event, bot=rows.bot, subscription=subscription, status=DeliveryStatus.DEAD
        )
    HandlerRun.objects.create(event=rows.event, bot=rows.bot, handler="fine", status=RunStatus.SUCCEEDED)
    with CaptureQueriesContext(connection) as queries:
        life = life_of(rows.event, owner)
    assert len(queries) == 4
    assert [run.handler for run in life.dead_runs] == ["shop.handlers.order"]
    assert [one.subscription for one in life.dead_deliveries] == [own]
    assert len(life_of(rows.event, make_operator(superuser=True)).dead_deliveries) == 2


def test_what_a_replay_replaced_failed_no_more(rows: Rows, owner) -> None:
    HandlerRun.objects.filter(event=rows.event).update(is_current=False)
    assert life_of(rows.event, owner).dead_runs == []

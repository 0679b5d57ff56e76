"""After a restore: what was waiting may have been done since, so it waits for an operator."""

import pytest

from events.enums import DeliveryFailure, DeliveryStatus, EventStatus, ReplayState, RunFailure, RunStatus
from events.handling import registry
from events.handling.scheduler import waiting_bots
from events.log.dead_letters import dead_deliveries, dead_runs
from events.log.restored import cancel_replays, set_deliveries_aside, set_runs_aside
from events.models import Delivery, HandlerRun, ReplayJob
from events.subscriptions import push
from tests.events.handler_runs import claimed, dispatched, fanned_out, handle, stored_event
from tests.factories import make_bot, make_operator, make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]

TYPE = "im.message.receive_v1"


@pytest.fixture
def ran(own_handlers) -> list[str]:
    registry.on(TYPE, name="greet")(lambda event, bot: own_handlers.append("ran"))
    return own_handlers


def test_runs_that_waited_or_ran_are_dead_letters_and_run_no_more(ran):
    bot = make_bot()
    events = [stored_event(bot=bot) for _ in range(4)]
    dispatched(events[0])
    assert len(claimed([bot], most=1)) == 1
    assert set_runs_aside() == 4
    assert {(run.status, run.failure) for run in HandlerRun.objects.all()} == {
        (RunStatus.DEAD, RunFailure.RESTORED)
    }
    for event in events:
        assert handle(event).status == EventStatus.DEAD
    assert (ran, waiting_bots()) == ([], [])
    [group] = dead_runs(make_operator(superuser=True)).groups
    assert group.count == 4


def test_event_that_was_not_dispatched_is_set_aside_too(ran):
    event = stored_event()
    assert set_runs_aside() == 1
    assert handle(event).status == EventStatus.DEAD
    assert ran == []


def test_runs_that_had_ended_stay_as_they_are(ran):
    event = handle(stored_event())
    assert set_runs_aside() == 0
    event.refresh_from_db()
    assert (ran, event.status) == (["ran"], EventStatus.DONE)


def test_deliveries_that_waited_or_were_under_way_are_dead_letters():
    bot = make_bot()
    subscription = make_subscription(bot)
    for _ in range(3):
        fanned_out(stored_event(bot=bot))
    assert len(push.claim_due(subscription.pk, limit=1)) == 1
    assert set_deliveries_aside() == 3
    assert push.due_subscriptions() == []
    assert {(one.status, one.failure) for one in Delivery.objects.all()} == {
        (DeliveryStatus.DEAD, DeliveryFailure.RESTORED)
    }
    [group] = dead_deliveries(make_operator(superuser=True)).groups
    assert group.count == 3


def test_replay_that_was_under_way_is_cancelled():
    job = ReplayJob.objects.create(rate=1, last=10, criteria={}, operator=make_operator())
    assert cancel_replays() == 1
    job.refresh_from_db()
    assert job.state == ReplayState.CANCELLED

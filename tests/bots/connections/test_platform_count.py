"""The platform's count against the leases, with a platform of the test's own."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import respx
from django.utils import timezone

from bots.connections import platform_count
from bots.connections.losses import write_losses
from bots.connections.platform_count import CLAIM, CONFIRM_AFTER, check, due_bots
from bots.enums import LossReason, SlotState
from bots.models import Bot, ConnectionLoss, ConnectionSlot, PlatformCount
from bots.service import set_enabled
from core.access.actors import SYSTEM
from feishu.transport import Transport as Http
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

AN_HOUR = timedelta(hours=1)


@pytest.fixture
def bot() -> Bot:
    """Connected twice for an hour, and due."""
    bot = make_bot(slot_count=2)
    due_bots()
    connect(bot)
    return bot


def connect(bot: Bot, **values: Any) -> None:
    now = timezone.now()
    standing = {"state": SlotState.CONNECTED, "lease_until": now + AN_HOUR, "connected_at": now - AN_HOUR}
    bot.slots.update(holder=uuid4(), **(standing | values))


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-0ken", "expire": 7140}
        )
        yield router


@pytest.fixture
def look_at(router: respx.MockRouter) -> Callable[..., PlatformCount]:
    """Has the bot looked at, with the platform counting so many."""

    def looked(bot: Bot, online: int | None, **answer: Any) -> PlatformCount:
        data = {} if online is None else {"online_instance_cnt": online}
        router.get("/open-apis/event/v1/connection").respond(
            **(answer or {"json": {"code": 0, "data": data}})
        )
        check(bot.pk, transport=Http())
        return PlatformCount.objects.get(pk=bot.pk)

    return looked


@pytest.mark.parametrize("online", [-1, 2**31, 10**17])
def test_count_that_cannot_be_true_is_none(bot, look_at, online):
    assert look_at(bot, online).online is None


def renewed(bot: Bot) -> list[int]:
    return list(bot.slots.exclude(half_open_at=None).values_list("number", flat=True))


def minutes(moment: Any) -> float:
    return (moment - timezone.now()).total_seconds() / 60


def test_every_bot_is_claimed_by_one_worker_alone(bot):
    PlatformCount.objects.update(next_check_at=timezone.now())
    assert due_bots() == [bot.pk]
    assert due_bots() == []
    known = PlatformCount.objects.get()
    assert 0 < minutes(known.next_check_at) <= CLAIM.total_seconds() / 60


def test_nobody_is_asked_about_when_that_is_switched_off(bot, settings):
    PlatformCount.objects.update(next_check_at=timezone.now())
    settings.PLATFORM_POLL_MINUTES = 0
    assert due_bots() == []


def test_bots_that_hold_no_connections_are_left_alone(bot):
    PlatformCount.objects.update(next_check_at=timezone.now())
    set_enabled([bot], enabled=False, actor=SYSTEM)
    assert due_bots() == []


def test_count_that_is_right_is_asked_for_again_in_half_an_hour_and_sooner_in_silence(bot, look_at):
    known = look_at(bot, 2)
    assert (known.online, known.held, known.foreign) == (2, 2, 0)
    assert 7 < minutes(known.next_check_at) < 13
    bot.slots.update(last_message_at=timezone.now())
    assert 23 < minutes(look_at(bot, 2).next_check_at) < 37


def test_foreign_connection_is_named_when_two_looks_in_a_row_find_it(bot, look_at):
    known = look_at(bot, 3)
    assert known.foreign == 0
    assert minutes(known.next_check_at) <= CONFIRM_AFTER.total_seconds() / 60
    assert look_at(bot, 3).foreign == 1
    assert look_at(bot, 2).foreign == 0


def test_surplus_that_one_look_found_and_the_next_did_not_is_nothing(bot, look_at):
    for online in (3, 2, 3):
        assert look_at(bot, online).foreign == 0


def test_what_is_left_of_a_connection_lost_lately_is_not_called_foreign(bot, look_at):
    write_losses([ConnectionLoss(bot=bot, number=1, at=timezone.now(), reason=LossReason.SILENT)])
    for _ in range(3):
        assert look_at(bot, 3).foreign == 0


def test_connection_on_the_move_is_not_called_foreign(bot, look_at):
    bot.slots.filter(number=1).update(successor=uuid4(), successor_until=timezone.now() + AN_HOUR)
    for _ in range(3):
        assert look_at(bot, 3).foreign == 0


def test_connection_of_a_process_that_died_does_not_count_as_held(bot, look_at):
    bot.slots.filter(number=1).update(lease_until=timezone.now() - AN_HOUR)
    assert look_at(bot, 1).held == 1


def test_half_open_connection_is_replaced_when_two_counts_in_a_row_miss_it_the_oldest_first(bot, look_at):
    bot.slots.filter(number=2).update(connected_at=timezone.now() - 2 * AN_HOUR)
    look_at(bot, 1)
    assert renewed(bot) == []
    look_at(bot, 1)
    assert renewed(bot) == [2]


def test_connection_on_which_an_event_came_meanwhile_is_well(bot, look_at):
    look_at(bot, 1)
    bot.slots.filter(number=1).update(last_message_at=timezone.now())
    look_at(bot, 1)
    assert renewed(bot) == [2]


def test_young_connection_may_not_be_in_the_count_yet(bot, look_at):
    connect(bot, connected_at=timezone.now())
    for _ in range(3):
        look_at(bot, 0)
    assert renewed(bot) == []


def test_count_that_stays_wrong_costs_two_connections_and_no_more(bot, look_at):
    for _ in range(10):
        look_at(bot, 1)
        ConnectionSlot.objects.filter(half_open_at__isnull=False).update(
            half_open_at=None, connected_at=timezone.now() - timedelta(minutes=5)
        )
    known = PlatformCount.objects.get()
    assert known.renewals == platform_count.MAX_RENEWALS
    assert look_at(bot, 2).renewals == 0


def test_loss_brings_the_next_check_forward_and_a_planned_move_does_not(bot, look_at):
    look_at(bot, 2)
    for reason, soon in ((LossReason.MOVED, False), (LossReason.NETWORK, True)):
        write_losses([ConnectionLoss(bot=bot, number=1, at=timezone.now(), reason=reason)])
        left = minutes(PlatformCount.objects.get().next_check_at)
        assert (left <= CONFIRM_AFTER.total_seconds() / 60) is soon


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"json": {"code": 99991400, "msg": "slow down"}, "status_code": 429}, 99991400),
        ({"text": "<html>", "status_code": 502}, None),
    ],
)
def test_platform_that_gives_no_answer_changes_no_verdict(bot, look_at, answer, code):
    look_at(bot, 3)
    known = look_at(bot, None, **answer)
    assert (known.more_counts, known.error_code, bool(known.error_message)) == (1, code, True)
    assert minutes(known.next_check_at) > 5
    assert look_at(bot, 3).error_message == ""


def test_platform_that_gives_no_number_proves_nothing(bot, look_at):
    look_at(bot, 3)
    assert look_at(bot, None).more_counts == 0

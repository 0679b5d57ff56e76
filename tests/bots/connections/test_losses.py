from datetime import timedelta

import pytest
from django.utils import timezone

from bots.connections.losses import losses_of_a_day
from bots.connections.status import statuses
from bots.enums import LossReason
from bots.models import Bot, ConnectionLoss
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def lose(bot: Bot, reason: LossReason = LossReason.NETWORK, *, days: float = 0) -> ConnectionLoss:
    return ConnectionLoss.objects.create(
        bot=bot, number=1, at=timezone.now() - timedelta(days=days), reason=reason
    )


def test_losses_of_a_day_are_counted_by_cause_for_many_bots_in_one_query(django_assert_num_queries):
    bot, other = make_bot(), make_bot()
    for reason in (LossReason.NETWORK, LossReason.NETWORK, LossReason.MOVED):
        lose(bot, reason)
    lose(bot, days=1.1)
    lose(other, LossReason.SILENT)
    with django_assert_num_queries(1):
        counts = losses_of_a_day([bot, other])
    assert counts == {
        (bot.pk, 1): {LossReason.NETWORK: 2, LossReason.MOVED: 1},
        (other.pk, 1): {LossReason.SILENT: 1},
    }
    assert [slot.reconnects for slot in statuses([bot], losses=counts)[0].slots] == [2]

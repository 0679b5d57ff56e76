import pytest

from bots.removal import remove
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from tests.feishu_portal.alerts.messages import fire, make_receiver

pytestmark = pytest.mark.django_db


def test_alerts_go_with_their_bot_and_no_others() -> None:
    gone, kept = make_receiver(), make_receiver()
    fire(gone)
    stays = fire(kept)
    assert remove(gone.bot, seconds=60)
    assert list(AlertReceiver.objects.all()) == [kept]
    assert list(AlertGroup.objects.all()) == [stays]

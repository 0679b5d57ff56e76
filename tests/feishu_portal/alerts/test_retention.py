from datetime import timedelta

import pytest
from django.utils import timezone

from core.database.retention import prune
from feishu_portal.alerts.models import AlertGroup
from feishu_portal.alerts.retention import overdue
from tests.feishu_portal.alerts.messages import fire, make_receiver, message

pytestmark = pytest.mark.django_db


def test_groups_go_when_nobody_has_spoken_of_them_for_long() -> None:
    receiver = make_receiver()
    old, young = (fire(receiver, message(groupKey=str(number))) for number in range(2))
    now = timezone.now()
    AlertGroup.objects.filter(pk=old.pk).update(heard_at=now - timedelta(days=91))
    AlertGroup.objects.filter(pk=young.pk).update(
        heard_at=now - timedelta(days=89), opened_at=now - timedelta(days=300)
    )
    assert prune(overdue())["alert groups"].count == 1
    assert list(AlertGroup.objects.all()) == [young]

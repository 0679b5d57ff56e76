from datetime import timedelta

import pytest
from django.utils import timezone

from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeted, Greeting
from feishu_portal.greetings.retention import GREETED_KEPT, overdue
from tests.factories import make_bot


@pytest.mark.django_db
def test_greeted_chats_go_when_every_pause_is_over() -> None:
    greeting = Greeting.objects.create(bot=make_bot(), occasion=Occasion.BOT_ADDED, text="Hello")
    now = timezone.now()
    for chat, age in (("oc_old", GREETED_KEPT + timedelta(hours=1)), ("oc_new", timedelta(days=29))):
        Greeted.objects.create(greeting=greeting, chat_id=chat, event_pk=1, at=now - age)
    [rows] = overdue().values()
    assert [row.chat_id for row in rows] == ["oc_old"]

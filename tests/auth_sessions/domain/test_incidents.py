"""An app that the platform refuses is an incident until it is accepted again."""

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from bots.incidents.detection import RECOVERY, detect
from bots.models import Incident
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    """Of a bot whose app secret the platform refuses; another bot is well."""
    bot = make_bot(name="Helper")
    gate.pause(bot, code=20002, log_id="log-1")
    gate.reserve(make_bot(), 1)
    detect()
    detect()
    return Incident.objects.get(cause="refresh")


def pass_time() -> None:
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    detect()


def test_it_says_of_which_app_why_and_what_to_do(incident):
    assert incident.headline == "平台拒绝了 Helper，其用户令牌无法刷新"
    assert incident.explanation.cure.zh_cn
    assert incident.code == 20002


def test_it_is_over_when_the_app_is_accepted_for_a_while(incident):
    gate.resume(incident.bot)
    detect()
    incident.refresh_from_db()
    assert incident.closed_at is None
    pass_time()
    incident.refresh_from_db()
    assert incident.closed_at is not None


def test_nobody_hears_of_the_end_of_a_bot_that_was_switched_off(incident):
    set_enabled([incident.bot], enabled=False, actor=SYSTEM)
    detect()
    incident.refresh_from_db()
    assert incident.closed_at is not None
    assert not incident.notices.exclude(due_at=None).exists()

"""An app that the platform refuses is an incident until it is accepted again."""

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from bots.enums import IncidentCause
from bots.incidents.detection import WELL, watch
from bots.incidents.words import cause_and_cure, headline
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
    watch()
    watch()
    return Incident.objects.get(cause=IncidentCause.REFRESH)


def pass_time() -> None:
    Incident.objects.update(well_since=timezone.now() - WELL)
    watch()


def test_it_says_of_which_app_why_and_what_to_do(incident):
    assert headline(incident) == "平台拒绝了 Helper，其用户令牌无法刷新"
    assert all(cause_and_cure(incident))
    assert incident.code == 20002


def test_it_is_over_when_the_app_is_accepted_for_a_while(incident):
    gate.resume(incident.bot)
    watch()
    incident.refresh_from_db()
    assert incident.closed_at is None
    pass_time()
    incident.refresh_from_db()
    assert incident.closed_at is not None


def test_nobody_hears_of_the_end_of_a_bot_that_was_switched_off(incident):
    set_enabled([incident.bot], enabled=False, actor=SYSTEM)
    watch()
    incident.refresh_from_db()
    assert incident.closed_at is not None
    assert not incident.notices.exclude(due_at=None).exists()

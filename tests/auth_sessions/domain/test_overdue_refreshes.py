"""Refreshes that nobody begins are one incident, whatever keeps the refresher from them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.overdue_refreshes import overdue_refreshes
from auth_sessions.domain.refresh import gate, spool
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.enums import RefreshPhase
from auth_sessions.models import RefreshAttempt, UserToken
from bots.incidents.detection import RECOVERY, detect
from bots.models import Bot, Incident
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


def minutes_ago(minutes: float):
    return timezone.now() - timedelta(minutes=minutes)


@pytest.fixture
def bot() -> Bot:
    return make_bot(name="Helper")


@pytest.fixture
def overdue(bot) -> UserToken:
    """A grant whose refresh has been due for eleven minutes."""
    return make_grant(bot, next_refresh_at=minutes_ago(11))


def is_incident() -> bool:
    detect()
    return Incident.objects.open().filter(cause="refreshes_overdue", subject="Feishu Portal").exists()


def test_refresher_that_can_keep_no_answer_is_one_until_it_refreshes(overdue, platform, monkeypatch):
    def full() -> None:
        raise spool.SpoolUnusable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(spool, "check", full)
        Pass().run()
    assert is_incident()
    [incident] = Incident.objects.all()
    assert incident.began_at == overdue.next_refresh_at
    for text in (incident.explanation.cure.en_us, incident.explanation.cure.zh_cn):
        assert "DATA_DIR" in text
        assert "refresh_spool_unusable" in text
    Pass().run()
    detect()
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    assert not is_incident()


@pytest.mark.parametrize(
    ("since", "changes"),
    [
        ("next_refresh_at", {}),
        ("next_attempt_at", {}),  # it was tried, and put off until then
        ("lease_until", {"phase": RefreshPhase.CLAIMED, "claim_id": "0" * 32}),
    ],
)
def test_what_has_not_been_due_for_long_is_none(overdue, since, changes):
    UserToken.objects.update(**{since: minutes_ago(2)} | changes)
    assert not is_incident()


def test_backlog_that_is_worked_off_is_none(bot, overdue):
    other = make_grant(bot, open_id="ou_other")
    attempt = RefreshAttempt.objects.create(token=other, generation=1, sent_at=minutes_ago(1))
    assert not is_incident()
    RefreshAttempt.objects.filter(pk=attempt.pk).update(claimed_at=minutes_ago(11))
    assert is_incident()


def test_app_that_is_refused_or_off_has_incidents_of_its_own_or_none(bot, overdue):
    gate.pause(bot, code=20002, log_id="")
    assert not is_incident()
    gate.resume(bot)
    set_enabled([bot], enabled=False, actor=SYSTEM)
    assert not is_incident()


def test_it_says_nothing_where_it_is_said_that_no_refresher_runs(overdue):
    absent = Incident.objects.create(
        cause="no_refresher", subject="refresher", subject_id="0" * 32, began_at=minutes_ago(11)
    )
    assert not is_incident()
    Incident.objects.filter(pk=absent.pk).update(closed_at=timezone.now())
    assert is_incident()
    Incident.objects.filter(pk=absent.pk).update(closed_at=None)
    assert is_incident()


def test_sweep_without_any_costs_one_query(bot, django_assert_max_num_queries):
    make_grant(bot)
    with django_assert_max_num_queries(1):
        assert list(overdue_refreshes()) == []

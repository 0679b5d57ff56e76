from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from auth_sessions.domain.observations import MANY, consents, grants
from auth_sessions.enums import FailureReason, SessionState, Via
from auth_sessions.models import AuthSession, RefreshGate
from bots.doctor.findings import Check
from bots.doctor.observations import observed
from bots.enums import CheckResult
from bots.models import Bot
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return make_bot(auth_scopes=["offline_access", "a:b"])


def session(bot: Bot, state: SessionState, *, minutes_ago: int = 0, **values: Any) -> AuthSession:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    defaults = {
        "open_id": "ou_asked",
        "created_at": at,
        "opened_at": at,
        "expires_at": at + timedelta(days=1),
        "finished_at": None if state in {SessionState.OPENED, SessionState.SENT} else at,
        "start_hash": uuid4().hex,
        "requested_by": "system",
        "scopes": ["offline_access", "a:b"],
    }
    return AuthSession.objects.create(bot=bot, state=state, **(defaults | values))


def failed(bot: Bot, code: int | None, **values: Any) -> AuthSession:
    return session(
        bot,
        SessionState.FAILED,
        reason=FailureReason.PLATFORM_ERROR,
        error_code=code,
        error_log_id="log-1",
        **values,
    )


def seen(bot: Bot) -> dict[Check, CheckResult]:
    return {check: one.finding.result for check, one in observed(bot).items()}


def test_an_authorization_in_the_browser_shows_that_the_whole_way_works(bot):
    session(bot, SessionState.AUTHORIZED)
    assert seen(bot) == dict.fromkeys(
        (Check.CONSENT, Check.REDIRECT_URL, Check.FIRST_AUTHORIZATION, Check.AVAILABILITY, Check.USER_SCOPES),
        CheckResult.OK,
    )


def test_an_authorization_by_device_code_or_for_less_shows_less(bot):
    session(bot, SessionState.AUTHORIZED, via=Via.DEVICE, scopes=["a:b"])
    assert set(seen(bot)) == {Check.CONSENT, Check.FIRST_AUTHORIZATION, Check.AVAILABILITY}


def test_a_refused_consent_shows_that_the_page_leads_back(bot):
    session(bot, SessionState.DENIED)
    assert set(seen(bot)) == {Check.CONSENT, Check.REDIRECT_URL}


def test_an_authorization_of_another_bot_shows_nothing(bot):
    session(make_bot(), SessionState.AUTHORIZED)
    assert seen(bot) == {}


@pytest.mark.parametrize(
    ("code", "check", "result"),
    [
        (20010, Check.AVAILABILITY, CheckResult.WARNING),
        (230013, Check.AVAILABILITY, CheckResult.WARNING),
        (20029, Check.CONSENT, CheckResult.WRONG),
        (20009, Check.CONSENT, CheckResult.WRONG),
    ],
)
def test_a_failure_with_a_code_is_told_with_its_cure(bot, code, check, result):
    failed(bot, code)
    [one] = list(consents(bot))
    found = one.finding
    assert (found.check, found.result, found.code, found.log_id) == (check, result, code, "log-1")
    assert found.cure.zh_cn


def test_an_authorization_after_a_failure_puts_it_right(bot):
    failed(bot, 20010, minutes_ago=5)
    session(bot, SessionState.AUTHORIZED)
    assert seen(bot)[Check.AVAILABILITY] is CheckResult.OK
    failed(bot, 20010)
    assert seen(bot)[Check.AVAILABILITY] is CheckResult.WARNING


@pytest.mark.parametrize("code", [None, 20003, 20008, 424242])
def test_a_failure_that_is_one_persons_says_nothing_of_the_app(bot, code):
    failed(bot, code)
    assert seen(bot) == {}


@pytest.mark.parametrize(
    ("values", "is_seen"),
    [
        ({"minutes_ago": 11}, True),
        ({"minutes_ago": 2}, False),
        ({"minutes_ago": 11, "via": Via.DEVICE}, False),
        ({"minutes_ago": 11, "state_used_at": timezone.now()}, False),
        ({"minutes_ago": 11, "opened_at": None}, False),
    ],
)
def test_the_first_consent_page_that_nobody_comes_back_from_is_told(bot, values, is_seen):
    session(bot, SessionState.OPENED, **values)
    assert seen(bot) == ({Check.CONSENT: CheckResult.WARNING} if is_seen else {})


def test_where_people_do_authorize_it_takes_several_who_do_not_come_back(bot):
    session(bot, SessionState.AUTHORIZED, minutes_ago=90)
    for number in range(MANY - 1):
        session(bot, SessionState.EXPIRED, minutes_ago=60, open_id=f"ou_{number}")
    session(bot, SessionState.EXPIRED, minutes_ago=50, open_id="ou_0")
    assert seen(bot)[Check.CONSENT] is CheckResult.OK
    session(bot, SessionState.OPENED, minutes_ago=40, open_id="ou_last")
    [told] = [one.finding for one in consents(bot) if one.finding.result is CheckResult.WARNING]
    assert told.cause.en_us.startswith(f"{MANY} opened")
    assert "20029" in told.cure.zh_cn
    assert seen(bot)[Check.CONSENT] is CheckResult.WARNING
    session(bot, SessionState.DENIED)
    assert seen(bot)[Check.CONSENT] is CheckResult.OK


def test_a_grant_shows_an_authorization_though_its_session_is_deleted(bot):
    make_grant(bot)
    assert seen(bot) == {Check.FIRST_AUTHORIZATION: CheckResult.OK}


def test_a_refreshed_token_shows_that_the_app_may_refresh(bot):
    make_grant(bot, refreshed_at=timezone.now())
    assert seen(bot)[Check.REFRESH] is CheckResult.OK
    gate = RefreshGate.objects.create(bot=bot, paused_at=timezone.now(), code=20074)
    [told] = [one.finding for one in grants(bot) if one.finding.check is Check.REFRESH]
    assert (told.result, told.code) == (CheckResult.WRONG, 20074)
    gate.code = 20009
    gate.save()
    assert seen(bot)[Check.REFRESH] is CheckResult.OK


def test_reading_takes_three_queries_whatever_there_is(bot, django_assert_num_queries):
    for number in range(5):
        session(bot, SessionState.EXPIRED, minutes_ago=60, open_id=f"ou_{number}")
        make_grant(bot, open_id=f"ou_{number}")
    with django_assert_num_queries(3):
        [*consents(bot), *grants(bot)]

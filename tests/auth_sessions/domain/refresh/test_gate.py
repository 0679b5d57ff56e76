"""What holds back an app: its rate, and the pause while the app itself is refused."""

import time
from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from auth_sessions.domain.refresh.refresher import TICK, Pass
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshGate, UserToken
from bots.models import Bot
from core.access.models import AuditEntry
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grants(bot) -> list[UserToken]:
    """Three grants that are due."""
    past = timezone.now() - timedelta(seconds=1)
    return [
        make_grant(bot, open_id=f"ou_{number}", refresh_token=f"refresh-{number}", next_refresh_at=past)
        for number in range(3)
    ]


def paused() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="bot.refresh_paused"))


def rewind_gate(**values) -> None:
    RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1), **values)


@pytest.mark.parametrize("code", [20002, 20009, 20024, 20048, 20069, 20074])
def test_refusal_of_the_app_pauses_it_tells_the_operator_once_and_leaves_its_users_alone(
    bot, grants, platform, code
):
    platform.token.mock(return_value=oauth_error(code))
    Pass().run()
    assert len(paused()) == 1
    assert paused()[0].detail["code"] == code
    assert set(UserToken.objects.values_list("status", "phase", "attempts")) == {
        (TokenStatus.ACTIVE, RefreshPhase.IDLE, 0)
    }
    calls = platform.token.call_count
    rewind_gate()
    Pass().run()
    assert platform.token.call_count == calls


@pytest.mark.parametrize("seconds", [0, 4 * TICK])
def test_paused_app_is_tried_with_one_grant_and_goes_on_when_that_works(bot, grants, platform, seconds):
    platform.token.mock(return_value=oauth_error(20002))
    Pass().run()
    calls = platform.token.call_count
    rewind_gate(probed_at=timezone.now() - gate.PROBE_EVERY)
    Pass().run()
    assert platform.token.call_count == calls + 1

    def answer(_request):
        time.sleep(seconds)
        return httpx2.Response(200, json=token_answer(2))

    platform.token.mock(return_value=None, side_effect=answer)
    rewind_gate(probed_at=timezone.now() - gate.PROBE_EVERY)
    assert sum(Pass().run().values()) == 3
    assert not gate.is_paused(bot)
    assert len(paused()) == 1
    assert AuditEntry.objects.filter(action="bot.refresh_resumed").count() == 1


def test_bot_that_was_changed_is_tried_at_once_and_once(bot, grants, platform):
    platform.token.mock(return_value=oauth_error(20002))
    Pass().run()
    assert not gate.take_probe(bot)
    Bot.objects.get(pk=bot.pk).save()
    assert gate.take_probe(bot)
    assert not gate.take_probe(bot)


def test_pause_of_one_app_is_nothing_to_another(bot, grants, platform):
    gate.pause(bot, code=20002, log_id="")
    other = make_grant(make_bot(), next_refresh_at=timezone.now() - timedelta(seconds=1))
    platform.token.respond(json=token_answer(2))
    assert Pass().run() == {RefreshOutcome.OK: 1}
    other.refresh_from_db()
    assert other.generation == 2


def test_rate_is_shared_and_never_more_than_a_second_ahead(bot, settings, time_machine):
    settings.REFRESH_PER_SECOND = 10
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    assert gate.reserve(bot, 100) == 10  # the second that nobody used
    assert gate.reserve(bot, 100) == 0
    time_machine.shift(0.35)
    assert gate.reserve(bot, 2) == 2
    assert gate.reserve(bot, 100) == 1
    time_machine.shift(60)
    assert gate.reserve(bot, 100) == 10


def test_one_app_does_not_use_up_the_rate_of_another(bot, settings):
    settings.REFRESH_PER_SECOND = 1
    assert gate.reserve(bot, 100) == 1
    assert gate.reserve(make_bot(), 100) == 1


def test_platform_that_says_when_to_come_back_is_heeded_by_all(bot, grants, platform):
    answer = httpx2.Response(
        429, json={"code": 99991400, "msg": "slow down"}, headers={"x-ogw-ratelimit-reset": "30"}
    )
    platform.token.mock(return_value=answer)
    Pass().run()
    assert gate.reserve(bot, 1) == 0
    assert RefreshGate.objects.get().next_start_at > timezone.now() + timedelta(seconds=25)
    assert UserToken.objects.exclude(last_outcome="").first().next_attempt_at > timezone.now() + timedelta(
        seconds=25
    )


def test_pass_whose_time_is_over_says_that_there_is_more(bot, grants, platform, settings):
    settings.REFRESH_PER_SECOND = 1
    platform.token.respond(json=token_answer(2))
    hurried = Pass(seconds=0.3)
    assert hurried.run() == {RefreshOutcome.OK: 1}
    assert hurried.is_unfinished
    settings.REFRESH_PER_SECOND = 100
    rewind_gate()
    patient = Pass()
    assert patient.run() == {RefreshOutcome.OK: 2}
    assert not patient.is_unfinished

"""Ends that are announced, and a year in the life of grants. The sandbox is the platform, and its books are the judge."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions.cards.authorization import authorization_card
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.domain.tokens.usage import note_use
from auth_sessions.enums import RefreshPhase, SessionState, TokenStatus
from auth_sessions.models import AuthSession, RefreshAttempt, RefreshGate, UserToken
from bots.models import Bot
from sandbox.config import AppConfig, SandboxConfig
from sandbox.errors import TokenError
from sandbox.world.world import World
from tests.auth_sessions.conftest import oauth_error
from tests.factories import make_grant

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def reminders() -> list[AuthSession]:
    return list(AuthSession.objects.order_by("created_at"))


@pytest.fixture(autouse=True)
def hurried_disk(monkeypatch) -> None:
    """A year of answers need not survive the test."""
    monkeypatch.setattr("os.fsync", lambda _handle: None)


@pytest.fixture
def grant(bot) -> UserToken:
    """A grant that ends in three weeks, of which nothing was said for a week."""
    now = timezone.now()
    return make_grant(
        bot,
        reauthorize_by=now + timedelta(days=21),
        next_reminder_at=now - timedelta(minutes=1),
        scopes=["offline_access", "calendar:calendar"],
    )


def test_person_gets_one_card_for_a_step_and_the_next_step_is_noted(grant):
    assert (remind_of_ends(), remind_of_ends()) == (1, 0)
    (session,) = reminders()
    assert (session.state, session.open_id, session.renews_until) == (
        SessionState.PENDING,
        grant.open_id,
        grant.reauthorize_by,
    )
    assert set(grant.scopes) <= set(session.scopes)
    grant.refresh_from_db()
    assert grant.next_reminder_at < timezone.now() + timedelta(days=7)
    assert grant.next_reminder_at == min(
        grant.reauthorize_by - timedelta(days=7), grant.refresh_expires_at - timedelta(hours=48)
    )


def test_card_says_when_the_authorization_ends_in_both_languages(grant):
    remind_of_ends()
    (session,) = reminders()
    text = json.dumps(authorization_card(session, link="https://portal.test/start"), ensure_ascii=False)
    day = timezone.localtime(grant.reauthorize_by)
    assert f"{day.month} 月 {day.day} 日到期" in text
    assert f"ends on {day:%B} {day.day}" in text
    assert "24 小时" in text


def test_step_that_passed_without_need_asks_nobody(grant):
    UserToken.objects.update(reauthorize_by=timezone.now() + timedelta(days=300))
    assert remind_of_ends() == 0
    assert reminders() == []


def test_grant_whose_refresh_fails_for_days_is_announced_before_its_refresh_token_ends(grant):
    end = timezone.now() + timedelta(hours=40)
    UserToken.objects.update(reauthorize_by=timezone.now() + timedelta(days=300), refresh_expires_at=end)
    assert remind_of_ends() == 1
    assert reminders()[0].renews_until == end
    grant.refresh_from_db()
    assert grant.next_reminder_at == end - timedelta(hours=12)


@pytest.mark.parametrize("refresher_first", [True, False])
@pytest.mark.parametrize("days", [6, 8])
def test_portal_that_was_off_sends_one_card_at_most(bot, platform, time_machine, refresher_first, days):
    time_machine.move_to(START)
    year = Year(bot, platform)
    year.grant("lilei", used_at=None)
    time_machine.shift(timedelta(days=days))
    steps = [Pass().run, remind_of_ends]
    for step in steps if refresher_first else reversed(steps):
        step()
    for _ in range(6):
        time_machine.shift(timedelta(minutes=15))
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
        Pass().run()
        remind_of_ends()
    assert len(reminders()) == (1 if days > 7 else 0)


def test_person_with_a_card_that_still_works_gets_no_second_one(bot):
    now = timezone.now()
    end = now + timedelta(hours=12)
    grant = make_grant(
        bot, attempts=9, phase=RefreshPhase.UNCERTAIN, refresh_expires_at=end, next_reminder_at=now
    )
    assert remind_of_ends() == 1
    UserToken.objects.update(
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
        next_refresh_at=None,
        next_reminder_at=now,
    )
    assert remind_of_ends() == 0
    grant.refresh_from_db()
    assert grant.next_reminder_at is None


@pytest.mark.parametrize(("code", "asked"), [(20064, 1), (20073, 1), (20066, 0), (20010, 0)])
def test_person_whose_grant_is_refused_is_asked_again_unless_gone(bot, platform, code, asked):
    make_grant(bot, next_refresh_at=timezone.now() - timedelta(seconds=1))
    platform.token.mock(return_value=oauth_error(code))
    Pass().run()
    assert remind_of_ends() == asked
    assert remind_of_ends() == 0


def test_nobody_can_be_asked_for_impossible_scopes_and_the_step_is_not_lost(bot, grant):
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=["two words"])
    assert remind_of_ends() == 0
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=["offline_access"])
    UserToken.objects.update(next_reminder_at=timezone.now())
    assert remind_of_ends() == 1


def test_bot_that_is_off_and_grant_that_was_revoked_ask_nobody(bot, grant):
    bot.enabled = False
    bot.save()
    assert remind_of_ends() == 0
    bot.enabled = True
    bot.save()
    UserToken.objects.update(
        status=TokenStatus.REVOKED, access_token="", refresh_token="", next_refresh_at=None
    )
    assert remind_of_ends() == 0
    assert UserToken.objects.get().next_reminder_at is None


class Year:
    """The sandbox's authorizations behind the token endpoint, on the clock of the test."""

    def __init__(self, bot, platform) -> None:
        self.app = AppConfig(app_id=bot.app_id)
        self.world = World(SandboxConfig(apps=[self.app]), clock=lambda: timezone.now().timestamp())
        self.bot = bot
        platform.token.mock(side_effect=self.answer)

    def grant(self, person: str, **values) -> UserToken:
        self.world.authorizations.consent(self.app, person, ["offline_access"])
        issued = self.world.authorizations.issue(self.app, person, None)
        now = timezone.now()
        return make_grant(
            self.bot,
            open_id=f"ou_{person}",
            access_token=issued.access.value,
            refresh_token=issued.refresh.value,
            next_reminder_at=now + timedelta(days=5),
            **values,
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        try:
            issued = self.world.authorizations.refresh(
                self.app, json.loads(request.content)["refresh_token"], None
            )
        except TokenError as refusal:
            return oauth_error(refusal.code)
        return httpx2.Response(
            200,
            json={
                "code": 0,
                "access_token": issued.access.value,
                "expires_in": 7200,
                "refresh_token": issued.refresh.value,
                "refresh_token_expires_in": 604800,
                "scope": "offline_access",
            },
        )


@pytest.mark.only_on("postgres")
def test_year_of_an_idle_grant(bot, platform, time_machine):
    time_machine.move_to(START)
    year = Year(bot, platform)
    grant = year.grant("lilei", used_at=None)
    for days in (*(5,) * 66, *(1,) * 37):
        time_machine.shift(timedelta(days=days))
        Pass().run()
        remind_of_ends()
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
    books = [token.as_book() for token in year.world.authorizations.refresh_tokens.values()]
    # Kept alive as often as this test looks, every fifth day and then daily, until the platform ends it after 365 days, each token
    # shown once.
    assert all(book["replays"] == 0 for book in books)
    assert 70 <= len(books) <= 104
    grant.refresh_from_db()
    assert (grant.status, grant.last_code) == (TokenStatus.NEEDS_REAUTH, 20037)
    over = RefreshAttempt.objects.order_by("claimed_at").last().claimed_at - START
    assert timedelta(days=364) < over < timedelta(days=367)
    said = [(session.created_at - START).days for session in reminders()]
    assert said == [335, 358, 364, over.days]


@pytest.mark.only_on("postgres")
def test_week_of_a_grant_in_use_keeps_its_access_token_fresh(bot, platform, time_machine):
    time_machine.move_to(START)
    year = Year(bot, platform)
    grant = year.grant("lilei")
    while timezone.now() < START + timedelta(days=7):
        # The refresher comes late, and finds an access token that still lives for a while.
        time_machine.move_to(grant.next_refresh_at + timedelta(minutes=10))
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
        assert grant.access_expires_at > timezone.now() + timedelta(minutes=30)
        Pass().run()
        note_use(grant)
        grant.refresh_from_db()
        assert grant.access_expires_at > timezone.now() + timedelta(minutes=100)
    assert grant.phase == RefreshPhase.IDLE
    assert reminders() == []

"""What the console says of refreshing, and the one thing an operator can do about it."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from core.access.models import AuditEntry
from core.console.rendering import exact
from tests.console.rows import text_of
from tests.factories import make_grant, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot)


def address(grant: UserToken, page: str = "") -> str:
    if page:
        return reverse(f"admin:auth_sessions_usertoken_{page}", args=[grant.pk])
    return reverse("admin:auth_sessions_usertoken_change", args=[grant.pk])


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_operator(superuser=True))
    client.cookies["feishu_portal_language"] = "en"
    return client


def test_paused_app_is_on_the_overview_and_on_its_tokens(boss, grant):
    gate.pause(grant.bot, code=20002, log_id="log-1")
    for page in (reverse("admin:index"), address(grant)):
        text = boss.get(page).content.decode()
        assert "App Secret is wrong" in text
    assert "are not refreshed" in boss.get(reverse("admin:index")).content.decode()


def test_refresh_now_makes_a_grant_due(boss, grant):
    assert boss.get(address(grant, "refresh_now")).status_code == 200
    assert UserToken.objects.get().next_refresh_at > timezone.now()
    boss.post(address(grant, "refresh_now"))
    assert UserToken.objects.due().get() == grant


def test_grant_that_was_given_up_can_be_tried_again(boss, grant):
    over = timezone.now() - timedelta(hours=1)
    stopped = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED, "next_refresh_at": None}
    UserToken.objects.update(**stopped, access_expires_at=over)
    assert "tries it again" in boss.get(address(grant)).text
    boss.post(address(grant, "refresh_now"))
    assert UserToken.objects.due().get() == grant


def test_grant_that_was_refused_for_good_is_not_called_refreshable(boss, grant):
    stopped = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED, "next_refresh_at": None}
    UserToken.objects.update(**stopped, last_outcome="dead_user", last_code=20037)
    text = boss.get(address(grant)).text
    assert exact(grant.refresh_expires_at) not in text
    answer = boss.post(address(grant, "refresh_now"), follow=True)
    assert "refused this refresh token for good" in answer.text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "was redirected"), ("zh-hans", "请求被重定向到了别处")]
)
def test_why_an_attempt_failed_is_on_the_page_in_both_languages(boss, grant, language, words):
    boss.cookies["feishu_portal_language"] = language
    UserToken.objects.update(phase=RefreshPhase.UNCERTAIN, last_outcome="uncertain", last_reason="redirected")
    RefreshAttempt.objects.create(
        token=grant,
        generation=1,
        outcome="uncertain",
        reason="redirected",
        http_status=302,
        said="HTTP 302 without a JSON object (no content type, redirected to login.corp.test)",
    )
    text = boss.get(address(grant)).text
    assert words in text
    assert "redirected to login.corp.test" in text


def test_consent_is_no_use(boss, grant):
    UserToken.objects.filter(pk=grant.pk).update(used_at=F("authorized_at"))
    assert "Last used" not in text_of(boss.get(address(grant)))
    used = timezone.now()
    UserToken.objects.filter(pk=grant.pk).update(used_at=used)
    shown = text_of(boss.get(address(grant)))
    assert "Last used" in shown
    assert exact(used) in shown


def test_refresh_now_probes_a_paused_app_and_audits_who_asked(boss, grant):
    gate.pause(grant.bot, code=20002, log_id="")
    UserToken.objects.update(next_refresh_at=timezone.now() - timedelta(seconds=1))
    assert not gate.take_probe(grant.bot)
    boss.post(address(grant, "refresh_now"))
    assert gate.take_probe(grant.bot)
    assert AuditEntry.objects.get(action="bot.refresh_probed").actor.startswith("operator:")


def test_stranger_sees_no_pause_and_refreshes_nothing(client, grant):
    gate.pause(grant.bot, code=20002, log_id="")
    client.force_login(make_operator())
    assert grant.bot.name not in client.get(reverse("admin:index")).content.decode()
    assert client.post(address(grant, "refresh_now")).status_code == 404
    assert not gate.take_probe(grant.bot)


DATES_TO_COME = (
    "access until",
    "refreshable until",
    "next needs the person",
    "next refresh",
    "next reminder",
)


def dates_on(text: str) -> set[str]:
    """Which of the dates to come are on the page."""
    return {words for words in DATES_TO_COME if words in text.casefold()}


def test_revoked_token_has_no_dates_to_come(boss, grant):
    UserToken.objects.update(
        status=TokenStatus.REVOKED, access_token="", refresh_token="", next_refresh_at=None,
        next_reminder_at=timezone.now() + timedelta(days=4),
    )  # fmt: skip
    text = boss.get(address(grant)).text
    assert dates_on(text) == set()
    for moment in (grant.reauthorize_by, grant.refresh_expires_at, grant.access_expires_at):
        assert exact(moment) not in text


def test_authorization_without_a_refresh_token_says_that_it_cannot_be_renewed(boss, grant):
    UserToken.objects.update(
        refresh_token="", refresh_expires_at=None, next_refresh_at=None, half_life_at=None
    )
    text = boss.get(address(grant)).text
    assert "2 hours only, cannot be renewed" in text
    assert dates_on(text) == {"access until", "next needs the person"}
    assert exact(grant.reauthorize_by) not in text
    assert "2 hours only" in boss.get(reverse("admin:auth_sessions_usertoken_changelist")).text


@pytest.mark.parametrize(
    ("status", "is_renewable", "hours", "words"),
    [
        (TokenStatus.ACTIVE, True, 50, "in 2\xa0days"),
        (TokenStatus.ACTIVE, False, 50, "in 4\xa0days"),
        (TokenStatus.ACTIVE, False, -99, "Now"),
        (TokenStatus.NEEDS_REAUTH, True, 50, "Now"),
    ],
)
def test_list_says_when_the_person_is_needed_next(boss, grant, status, is_renewable, hours, words):
    now = timezone.now()
    UserToken.objects.update(
        status=status,
        half_life_at=now if is_renewable else None,
        reauthorize_by=now + timedelta(hours=hours),
        access_expires_at=now + timedelta(hours=hours + 48),
    )
    page = boss.get(reverse("admin:auth_sessions_usertoken_changelist")).text
    assert words in page.split("field-person_needed")[-1].split("</td>")[0]

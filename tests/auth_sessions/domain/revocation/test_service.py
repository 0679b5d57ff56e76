"""Ending a grant: here at once, at the platform as soon as it answers."""

import threading
from datetime import timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.domain.revocation.notice import send_notice
from auth_sessions.domain.revocation.service import (
    RETRIES,
    record_platform_revocation,
    revoke,
    revoke_later,
    unfinished_revocations,
    withdraw_at_platform,
    withdraw_late_answer,
)
from auth_sessions.domain.tokens.grants import store_grant
from auth_sessions.enums import (
    Notice,
    PlatformReason,
    RefreshOutcome,
    RefreshPhase,
    RevocationState,
    TokenStatus,
)
from auth_sessions.models import RefreshAttempt, Revocation, UserToken
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from feishu.oauth import TokenSet, UserInfo
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_bot, make_grant
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db

OPERATOR = Actor("operator", "lin")
BOTH = frozenset({"user_access_token", "refresh_token"})


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot)


@pytest.fixture
def revoked(platform):
    return platform.router.post("/oauth/v1/revoke").respond(200, content=b"")


def form_of(route) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(route.calls.last.request.content.decode()).items()}


def assert_holds_nothing(grant: UserToken) -> None:
    grant.refresh_from_db()
    assert (grant.status, grant.access_token, grant.refresh_token) == (TokenStatus.REVOKED, "", "")


def new_tokens(number: int = 2) -> TokenSet:
    return TokenSet(f"access-token-{number}", 7200, f"refresh-token-{number}", 604800, ("offline_access",))


def person() -> UserInfo:
    return UserInfo("ou_asked", "on_1", None, "tenant", "李雷", "Li Lei", "")


def test_revoking_withdraws_the_refresh_token_and_destroys_both(grant, bot, revoked):
    revocation = revoke(grant=grant, actor=OPERATOR)
    form = form_of(revoked)
    assert (form["token"], form["token_type_hint"]) == ("refresh-token-1", "refresh_token")
    assert (form["client_id"], form["client_secret"]) == (bot.app_id, bot.app_secret)
    assert (revocation.state, revocation.token, revocation.actor) == (
        RevocationState.DONE,
        "",
        "operator:lin",
    )
    assert_holds_nothing(grant)
    assert AuditEntry.objects.get(action="user_token.revoked").actor == "operator:lin"


def test_grant_without_refresh_token_is_withdrawn_by_its_access_token(bot, revoked):
    grant = make_grant(bot, refresh_token="", next_refresh_at=None)
    revoke(grant=grant, actor=OPERATOR)
    assert form_of(revoked)["token_type_hint"] == "access_token"
    assert_holds_nothing(grant)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("away"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(502, text="bad gateway"),
        httpx2.Response(429, json={"code": 99991400}),
        oauth_error(20072, status=503, error="temporarily_unavailable"),
        oauth_error(20002, error="invalid_client"),
    ],
)
def test_withdrawal_is_retried_while_nobody_is_served(grant, revoked, answer):
    revoked.mock(side_effect=[answer, httpx2.Response(200)])
    revocation = revoke(grant=grant, actor=OPERATOR)
    assert_holds_nothing(grant)
    assert (revocation.state, revocation.token) == (RevocationState.PENDING, "refresh-token-1")
    assert revocation.next_attempt_at > timezone.now()
    assert revocation.error
    Revocation.objects.update(next_attempt_at=timezone.now())
    assert unfinished_revocations() == [revocation.pk]
    assert withdraw_at_platform(revocation.pk).state == RevocationState.DONE
    assert Revocation.objects.get().token == ""


def test_platform_that_never_answers_is_given_up_and_the_token_destroyed(grant, revoked):
    revoked.mock(side_effect=httpx2.ConnectError("away"))
    revocation = revoke(grant=grant, actor=OPERATOR)
    for _ in range(RETRIES.max_attempts - 1):
        assert revocation.state == RevocationState.PENDING
        Revocation.objects.update(next_attempt_at=timezone.now())
        revocation = withdraw_at_platform(revocation.pk)
    assert (revocation.state, revocation.token) == (RevocationState.GIVEN_UP, "")
    assert AuditEntry.objects.filter(action="user_token.revocation_given_up").count() == 1
    Revocation.objects.update(notice=Notice.NONE)
    assert unfinished_revocations() == []


@pytest.mark.parametrize("code", [20026, 20037, 20064, 20073])
def test_token_that_is_dead_at_the_platform_already_needs_no_retry(grant, revoked, code):
    revoked.mock(return_value=oauth_error(code))
    assert revoke(grant=grant, actor=OPERATOR).state == RevocationState.DONE


def test_key_that_is_missing_does_not_keep_the_grant_alive(grant, revoked, settings):
    settings.ENCRYPTION_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItISE="]
    revocation = revoke(grant=UserToken.objects.get(), actor=OPERATOR)
    assert revocation.state == RevocationState.GIVEN_UP
    assert not revoked.called
    assert_holds_nothing(grant)


def test_grant_revoked_twice_is_withdrawn_once(grant, revoked):
    assert revoke(grant=grant, actor=OPERATOR).pk == revoke(grant=grant, actor=OPERATOR).pk
    assert revoked.call_count == 1
    assert AuditEntry.objects.filter(action="user_token.revoked").count() == 1


def test_two_workers_tell_the_platform_once(grant, revoked):
    revocation = revoke_later(grant=grant, actor=OPERATOR)

    def meanwhile(request):
        assert withdraw_at_platform(revocation.pk).state == RevocationState.PENDING
        return httpx2.Response(200)

    revoked.mock(side_effect=meanwhile)
    assert withdraw_at_platform(revocation.pk).state == RevocationState.DONE
    assert revoked.call_count == 1


def test_workers_are_notified_after_the_commit(grant, revoked, no_broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        revocation = revoke_later(grant=grant, actor=OPERATOR)
    assert no_broker == [str(revocation.pk)]
    assert not revoked.called


def test_revoked_row_cannot_hold_a_token(grant, revoked):
    revoke(grant=grant, actor=OPERATOR)
    with pytest.raises(IntegrityError), transaction.atomic():
        UserToken.objects.update(access_token=UserToken._meta.get_field("access_token").seal_for(grant, "x"))


def test_strangers_grant_is_left_alone(grant, bot, revoked):
    strangers = [make_grant(bot, open_id="ou_stranger"), make_grant(make_bot())]
    revoke(grant=grant, actor=OPERATOR)
    for other in strangers:
        other.refresh_from_db()
        assert (other.status, other.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-1")


def test_new_consent_overtakes_a_revocation_the_platform_has_not_heard_of(grant, bot, revoked):
    revoked.mock(side_effect=httpx2.ConnectError("away"))
    revocation = revoke(grant=grant, actor=OPERATOR)
    with transaction.atomic():
        fresh = store_grant(bot=bot, who=person(), tokens=new_tokens(), asked_at=timezone.now())
    Revocation.objects.update(next_attempt_at=timezone.now())
    assert withdraw_at_platform(revocation.pk).state == RevocationState.OVERTAKEN
    assert revoked.call_count == 1
    assert (fresh.status, fresh.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-2")


def test_answer_of_a_refresh_that_was_under_way_is_withdrawn_too(grant, revoked):
    revoke(grant=grant, actor=OPERATOR)
    withdraw_late_answer(grant=grant, tokens=new_tokens())
    late = Revocation.objects.get(state=RevocationState.PENDING)
    assert withdraw_at_platform(late.pk).state == RevocationState.DONE
    assert form_of(revoked)["token"] == "refresh-token-2"


def test_answer_of_a_refresh_is_not_withdrawn_when_the_person_has_authorized_again(grant, revoked):
    withdraw_late_answer(grant=grant, tokens=new_tokens())
    assert not Revocation.objects.exists()


def test_refresh_that_was_under_way_stores_nothing_and_its_tokens_are_withdrawn_too(
    grant, platform, revoked, monkeypatch
):
    UserToken.objects.update(next_refresh_at=timezone.now())
    platform.token.respond(json=token_answer(2))

    def commit_after_revocation(*args, **kwargs):
        revoke(grant=grant, actor=OPERATOR)
        return commit(*args, **kwargs)

    monkeypatch.setattr("auth_sessions.domain.refresh.refresher.commit", commit_after_revocation)
    Pass().run()
    assert_holds_nothing(grant)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.SUPERSEDED
    assert Revocation.objects.get(state=RevocationState.PENDING).token == "refresh-token-2"


# --- what the platform says


def platform_says(
    bot, *, kinds=BOTH, reason=PlatformReason.USER, at=None, open_id="ou_asked", tenant="tenant"
):
    return record_platform_revocation(
        bot=bot,
        open_id=open_id,
        tenant_key=tenant,
        kinds=frozenset(kinds),
        reason=reason,
        at=at or timezone.now(),
    )


@pytest.mark.parametrize("kinds", [BOTH, {"refresh_token "}, set()])
def test_grant_the_platform_ended_holds_nothing_and_keeps_the_reason(grant, bot, kinds):
    [revocation] = platform_says(bot, kinds=kinds)
    assert (revocation.state, revocation.platform_reason) == (RevocationState.DONE, PlatformReason.USER)
    assert_holds_nothing(grant)


def test_same_news_twice_counts_once(grant, bot):
    at = timezone.now()
    assert len(platform_says(bot, at=at)) == 1
    assert platform_says(bot, at=at) == []


def test_news_older_than_the_authorization_kills_no_newer_grant(grant, bot):
    assert platform_says(bot, at=grant.authorized_at - timedelta(seconds=1)) == []
    grant.refresh_from_db()
    assert (grant.status, grant.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-1")


def test_news_older_than_the_last_refresh_kills_nothing(grant, bot):
    UserToken.objects.update(authorized_at=timezone.now() - timedelta(days=3), refreshed_at=timezone.now())
    assert platform_says(bot, at=timezone.now() - timedelta(hours=1)) == []


def test_echo_of_our_own_revocation_ends_the_withdrawal(grant, bot, revoked):
    revoked.mock(side_effect=httpx2.ReadTimeout("slow"))
    revoke(grant=grant, actor=OPERATOR)
    assert platform_says(bot) == []
    revocation = Revocation.objects.get()
    assert (revocation.state, revocation.token) == (RevocationState.DONE, "")


@pytest.mark.parametrize("who", [{"open_id": "ou_stranger"}, {"tenant": "another"}])
def test_news_of_a_stranger_kills_nothing(grant, bot, who):
    assert platform_says(bot, **who) == []
    assert platform_says(make_bot()) == []
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE


def test_lost_access_token_alone_is_refreshed_at_once(grant, bot):
    assert platform_says(bot, kinds={"user_access_token"}) == []
    grant.refresh_from_db()
    assert (grant.status, grant.access_token, grant.refresh_token) == (
        TokenStatus.ACTIVE,
        "",
        "refresh-token-1",
    )
    assert grant.next_refresh_at <= timezone.now()


def test_lost_refresh_token_alone_leaves_the_access_token_until_its_end(grant, bot):
    assert platform_says(bot, kinds={"refresh_token"}) == []
    grant.refresh_from_db()
    assert (grant.status, grant.phase) == (TokenStatus.NEEDS_REAUTH, RefreshPhase.STOPPED)
    assert (grant.access_token, grant.refresh_token) == ("access-token-1", "")


@pytest.mark.parametrize(("reason", "cards"), [(PlatformReason.SECURITY, 1), (PlatformReason.USER, 0)])
def test_lost_refresh_token_has_the_person_asked_again_unless_they_did_it(grant, bot, reason, cards):
    platform_says(bot, kinds={"refresh_token"}, reason=reason)
    assert remind_of_ends() == cards
    grant.refresh_from_db()
    assert grant.next_reminder_at is None


# --- the notice to the person


@pytest.mark.parametrize(
    ("actor", "words"),
    [(OPERATOR, "管理员"), (Actor("api", "crm"), "业务系统"), (SYSTEM, "系统撤销了")],
)
def test_person_hears_of_it_when_somebody_else_ended_the_grant(grant, platform, revoked, actor, words):
    revocation = revoke(grant=grant, actor=actor)
    send_notice(revocation.pk)
    send_notice(revocation.pk)
    assert platform.send.call_count == 1
    sent = platform.send.calls.last.request.content.decode()
    assert words in sent
    assert "ou_asked" in sent
    assert Revocation.objects.get().notice == Notice.SENT


@pytest.mark.parametrize("reason", [PlatformReason.USER, PlatformReason.RESTRICTION])
def test_person_who_did_it_or_is_gone_hears_nothing(grant, bot, platform, reason):
    [revocation] = platform_says(bot, reason=reason)
    send_notice(revocation.pk)
    assert not platform.send.called


def test_person_who_revoked_here_hears_nothing(grant, platform, revoked):
    send_notice(revoke(grant=grant, actor=Actor.user("ou_asked")).pk)
    assert not platform.send.called


def test_notice_that_cannot_be_sent_is_tried_again_and_then_given_up(grant, platform, revoked):
    platform.send.mock(return_value=httpx2.Response(400, json={"code": 230020, "msg": "rate limit"}))
    revocation = revoke(grant=grant, actor=OPERATOR)
    for _ in range(6):
        send_notice(revocation.pk)
        Revocation.objects.update(notice_at=timezone.now())
    assert Revocation.objects.get().notice == Notice.FAILED


@pytest.mark.django_db(transaction=True)
def test_revoking_from_two_threads_ends_the_grant_once(grant, revoked):
    start = threading.Barrier(2)

    def run() -> None:
        start.wait(PATIENCE)
        revoke(grant=grant, actor=OPERATOR)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert Revocation.objects.count() == 1
    assert AuditEntry.objects.filter(action="user_token.revoked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_connection_of_the_database_is_not_held_while_the_platform_is_told(grant, revoked):
    is_held = []

    def answer(_request):
        is_held.append(connection.connection is not None)
        return httpx2.Response(200)

    revoked.mock(side_effect=answer)
    revoke(grant=grant, actor=OPERATOR)
    assert is_held == [False]

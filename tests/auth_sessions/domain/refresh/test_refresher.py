from datetime import timedelta

import httpx
import pytest
from cryptography.fernet import Fernet
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone

from auth_sessions.domain.refresh.claim import claim, fingerprint, mark_sending
from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.recovery import recover
from auth_sessions.domain.refresh.refresher import Pass, due_grants
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession, RefreshAttempt, RefreshGate, UserToken
from bots.models import Bot
from core.access.models import AuditEntry
from core.vault.fields import encrypted_field
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    """A grant that is due."""
    return make_grant(bot, next_refresh_at=timezone.now() - timedelta(seconds=1))


def run(grant: UserToken) -> RefreshOutcome | None:
    outcomes = Pass().run()
    grant.refresh_from_db()
    return next(iter(outcomes), None)


def make_due(grant: UserToken) -> None:
    RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
    UserToken.objects.filter(pk=grant.pk).update(
        next_refresh_at=timezone.now() - timedelta(seconds=1), next_attempt_at=None
    )
    grant.refresh_from_db()


def test_due_grant_gets_a_new_pair(grant, platform):
    platform.token.respond(json=token_answer(2))
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.refresh_token, grant.generation) == (
        "access-token-2",
        "refresh-token-2",
        2,
    )
    assert grant.phase == RefreshPhase.IDLE
    assert grant.next_refresh_at > timezone.now() + timedelta(minutes=50)


def test_absurd_lifetime_is_cut_and_the_pair_kept(grant, platform):
    platform.token.respond(json=token_answer(2, expires_in=10**15, refresh_token_expires_in=10**15))
    assert run(grant) == RefreshOutcome.OK
    assert grant.access_token == "access-token-2"


def test_grant_that_is_not_due_is_left_alone(bot, platform):
    assert run(make_grant(bot)) is None
    assert not platform.token.called


def test_grants_that_end_first_come_first(bot):
    past, now = timezone.now() - timedelta(minutes=1), timezone.now()
    later = make_grant(bot, open_id="ou_1", next_refresh_at=past, access_expires_at=now + timedelta(hours=1))
    sooner = make_grant(
        bot, open_id="ou_2", next_refresh_at=past, access_expires_at=now + timedelta(minutes=1)
    )
    assert due_grants(bot, 10) == [sooner.pk, later.pk]


def test_claimed_grant_is_nobody_elses(grant, platform):
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=grant.pk, lease_until=timezone.now() + timedelta(seconds=45)
    )
    assert run(grant) is None


def test_token_that_may_have_been_sent_is_claimed_by_nobody(grant):
    UserToken.objects.update(
        phase=RefreshPhase.SENDING, claim_id=grant.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert due_grants(grant.bot, 10) == []
    assert claim(grant.bot, [grant.pk]) == []


def test_claim_that_another_has_taken_over_sends_nothing(grant):
    [slow] = claim(grant.bot, [grant.pk])
    UserToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [other] = claim(grant.bot, [grant.pk])
    assert not mark_sending(slow, "refresh-token-1")
    assert not RefreshAttempt.objects.exclude(sent_at=None).exists()
    assert mark_sending(other, "refresh-token-1")


def test_claim_of_a_dead_worker_is_taken_over(grant, platform):
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=grant.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert run(grant) == RefreshOutcome.OK


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.ConnectError("refused"), RefreshOutcome.NOT_SENT),
        (oauth_error(20050, status=500, error="server_error"), RefreshOutcome.REJECTED),
        (oauth_error(20072, status=503, error="temporarily_unavailable"), RefreshOutcome.REJECTED),
        (httpx.Response(429, json={"code": 99991400, "msg": "slow down"}), RefreshOutcome.REJECTED),
        (oauth_error(20063), RefreshOutcome.REJECTED),
        (oauth_error(21000), RefreshOutcome.REJECTED),
    ],
    ids=["unreachable", "20050", "20072", "429", "20063", "21000"],
)
def test_refusal_that_does_not_use_the_token_up_is_tried_again_later(grant, platform, answer, outcome):
    platform.token.mock(side_effect=[answer, httpx.Response(200, json=token_answer(2))])
    assert run(grant) == outcome
    assert (grant.status, grant.phase, grant.access_token) == (
        TokenStatus.ACTIVE,
        RefreshPhase.IDLE,
        "access-token-1",
    )
    assert grant.next_attempt_at > timezone.now()
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK


@pytest.mark.parametrize("code", [20026, 20037, 20064, 20073, 20008, 20066])
def test_refusal_for_this_person_asks_for_a_new_consent_and_keeps_the_access_token(grant, platform, code):
    platform.token.mock(return_value=oauth_error(code))
    assert run(grant) == RefreshOutcome.DEAD_USER
    assert (grant.status, grant.last_code, grant.access_token) == (
        TokenStatus.NEEDS_REAUTH,
        code,
        "access-token-1",
    )
    make_due(grant)
    assert run(grant) is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(502, text="<html>bad gateway</html>"),
    ],
    ids=["timeout", "connection cut", "bare 502"],
)
def test_unknown_outcome_is_not_sent_again_while_the_access_token_is_valid(grant, platform, answer):
    platform.token.mock(side_effect=[answer, httpx.Response(200, json=token_answer(2))])
    assert run(grant) == RefreshOutcome.UNCERTAIN
    assert (grant.phase, grant.status) == (RefreshPhase.UNCERTAIN, TokenStatus.ACTIVE)
    assert run(grant) is None
    assert grant.next_refresh_at == grant.access_expires_at
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK
    assert RefreshAttempt.objects.get(outcome=RefreshOutcome.OK).probe


GBK_PAGE = "<html><title>网关错误</title></html>".encode("gbk")
OUTAGES = {
    "bad gateway": httpx.Response(502, html="<html><h1>502 Bad Gateway</h1></html>"),
    "gateway in JSON": httpx.Response(503, json={"message": "no healthy upstream"}),
    "gateway with a code of its own": httpx.Response(502, json={"code": 502, "msg": "upstream"}),
    "reset": httpx.ReadError("Connection reset by peer"),
    "time-out": httpx.ReadTimeout("slow"),
    "refused connection": httpx.ConnectError("refused"),
    "redirect": httpx.Response(302, headers={"Location": "https://login.corp.test/?ticket=s3cr3t"}),
    "redirect in JSON": httpx.Response(307, json={"message": "moved"}),
    "proxy wants a password": httpx.Response(407, html="<html>407</html>"),
    "sign-in page": httpx.Response(200, html="<html>Sign in</html>"),
    "sign-in in JSON": httpx.Response(200, json={"status": "login required"}),
    "page in GBK": httpx.Response(200, content=GBK_PAGE, headers={"Content-Type": "text/html; charset=gbk"}),
    "nothing": httpx.Response(200, content=b""),
    "forbidden": httpx.Response(403, html="<html>blocked</html>"),
    "no such page": httpx.Response(404, html="<html>404</html>"),
    "client refused": httpx.Response(401, json={"error": "invalid_client"}),
    "client not authorized": httpx.Response(400, json={"error": "unauthorized_client"}),
    "unknown code": httpx.Response(400, json={"code": 29999, "error": "invalid_grant"}),
    "no code": httpx.Response(400, json={"error": "invalid_grant"}),
    "busy": oauth_error(20072, status=503, error="temporarily_unavailable"),
}


@pytest.mark.parametrize("in_use", [True, False], ids=["in use", "idle"])
@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_day_of_an_outage_costs_no_grant_and_no_card(grant, platform, time_machine, outage, in_use):
    time_machine.move_to(timezone.now(), tick=False)
    now = timezone.now()
    over = {} if in_use else {"access_expires_at": now - timedelta(hours=20), "used_at": None}
    reminder = grant.refresh_expires_at - timedelta(hours=48)
    UserToken.objects.update(next_reminder_at=reminder, **over)
    answer = {"side_effect": outage} if isinstance(outage, Exception) else {"return_value": outage}
    platform.token.mock(**answer)
    for _ in range(24 * 6):
        Pass(seconds=0.5).run()
        remind_of_ends()
        time_machine.shift(timedelta(minutes=10))
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
    assert not AuthSession.objects.exists()
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE
    assert platform.token.call_count > 12
    sent = RefreshAttempt.objects.filter(sent_at__isnull=False)
    assert sent.filter(outcome=RefreshOutcome.UNCERTAIN, probe=False).count() <= 1
    platform.token.mock(return_value=httpx.Response(200, json=token_answer(2)))
    make_due(grant)
    RefreshGate.objects.update(probed_at=None)
    assert run(grant) == RefreshOutcome.OK
    assert (grant.phase, grant.access_token) == (RefreshPhase.IDLE, "access-token-2")


def test_probes_come_with_growing_pauses_once_the_access_token_is_over(grant, platform):
    UserToken.objects.update(access_expires_at=timezone.now() - timedelta(seconds=1))
    platform.token.mock(side_effect=httpx.ReadTimeout("slow"))
    pauses = []
    for number in range(6):
        assert run(grant) == RefreshOutcome.UNCERTAIN
        assert RefreshAttempt.objects.latest("claimed_at").probe == (number > 0)
        pauses.append(grant.next_refresh_at - timezone.now())
        make_due(grant)
    assert pauses[:5] == sorted(pauses[:5]), "the longest ones differ by their jitter alone"
    assert timedelta(seconds=3) < pauses[0] < timedelta(seconds=10)
    assert timedelta(minutes=29) < pauses[-1] < timedelta(minutes=40)


def test_end_of_the_refresh_tokens_life_ends_an_uncertain_grant_with_one_card(grant, platform):
    platform.token.mock(side_effect=httpx.ReadTimeout("slow"))
    over = timezone.now() - timedelta(seconds=1)
    UserToken.objects.update(access_expires_at=over)
    run(grant)
    UserToken.objects.update(refresh_expires_at=over)
    run(grant)
    assert (grant.status, grant.phase) == (TokenStatus.NEEDS_REAUTH, RefreshPhase.STOPPED)
    assert (remind_of_ends(), remind_of_ends()) == (1, 0)
    assert AuditEntry.objects.filter(action="user_token.needs_reauth").count() == 1


def test_grant_that_was_not_tried_while_the_portal_was_off_is_asked_about_once(grant, platform):
    over = timezone.now() - timedelta(days=1)
    UserToken.objects.update(access_expires_at=over, refresh_expires_at=over)
    platform.token.mock(return_value=oauth_error(20037))
    assert run(grant) == RefreshOutcome.DEAD_USER


def test_refused_app_costs_no_grant_whose_life_ends_meanwhile(grant, platform):
    platform.token.mock(return_value=oauth_error(20002, error="invalid_client"))
    over = timezone.now() - timedelta(seconds=1)
    UserToken.objects.update(access_expires_at=over, refresh_expires_at=over)
    assert run(grant) == RefreshOutcome.DEAD_APP
    run(grant)
    assert grant.status == TokenStatus.ACTIVE


def test_token_whose_outcome_is_known_is_never_sent_again_though_the_row_forgot_it(grant, platform):
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    UserToken.objects.update(status=TokenStatus.ACTIVE, phase=RefreshPhase.UNCERTAIN)
    make_due(grant)
    assert run(grant) == RefreshOutcome.DEAD_USER
    assert (grant.status, grant.last_code, platform.token.call_count) == (TokenStatus.NEEDS_REAUTH, 20073, 1)


def test_journal_knows_a_token_after_the_secret_key_was_changed(grant, platform, settings):
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    settings.SECRET_KEY = "another"
    UserToken.objects.update(status=TokenStatus.ACTIVE, phase=RefreshPhase.IDLE)
    make_due(grant)
    run(grant)
    assert platform.token.call_count == 1


def test_two_probes_of_one_token_are_not_under_way_at_once(grant):
    now = timezone.now()
    probe = {"token": grant, "generation": 1, "sent_at": now, "fingerprint": "same", "probe": True}
    RefreshAttempt.objects.create(**probe, outcome=RefreshOutcome.UNCERTAIN)
    RefreshAttempt.objects.create(**probe)
    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshAttempt.objects.create(**probe)


@pytest.mark.parametrize(
    ("answer", "status", "reason", "words"),
    [
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), 502, "http", "text/html"),
        (OUTAGES["redirect"], 302, "redirected", "redirected to login.corp.test"),
        (OUTAGES["page in GBK"], 200, "malformed", "网关错误"),
        (OUTAGES["sign-in in JSON"], 200, "malformed", "login required"),
        (httpx.ReadTimeout("slow"), None, "timeout", "ReadTimeout"),
        (httpx.RemoteProtocolError("cut"), None, "broken", "RemoteProtocolError"),
        (OUTAGES["no such page"], 404, "no_endpoint", "404"),
        (OUTAGES["client refused"], 401, "client_refused", "invalid_client"),
        (oauth_error(20073), 400, "", "invalid_grant: refused"),
        (
            httpx.Response(200, json={"code": 0, "at": "u-" + "x" * 40}),
            200,
            "malformed",
            "without an access token",
        ),
    ],
)
def test_why_an_attempt_failed_is_kept_and_logged(grant, platform, caplog, answer, status, reason, words):
    caplog.set_level("INFO")
    platform.token.mock(side_effect=[answer])
    run(grant)
    attempt = RefreshAttempt.objects.get()
    assert (attempt.http_status, attempt.reason, grant.last_reason) == (status, reason, reason)
    assert words in attempt.said
    assert "s3cr3t" not in attempt.said
    assert "xxxx" not in attempt.said
    [logged] = [record for record in caplog.records if record.message == "token_refresh"]
    assert (logged.said, logged.http_status, logged.reason) == (attempt.said, status, reason)


def test_refresher_that_died_while_sending_leaves_an_unknown_outcome(grant, platform):
    attempt = RefreshAttempt.objects.create(
        token=grant, generation=1, sent_at=timezone.now(), fingerprint="f"
    )
    UserToken.objects.update(
        phase=RefreshPhase.SENDING, claim_id=attempt.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    recover()
    grant.refresh_from_db()
    assert grant.phase == RefreshPhase.UNCERTAIN
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.UNCERTAIN


@pytest.mark.parametrize("number", [200, 400], ids=["new tokens", "a refusal"])
def test_new_consent_during_a_refresh_wins_over_its_late_answer(grant, platform, monkeypatch, number):
    platform.token.mock(
        return_value=httpx.Response(200, json=token_answer(9)) if number == 200 else oauth_error(20073)
    )

    def commit_after_consent(*args, **kwargs):
        later = timezone.now() + timedelta(hours=1)
        UserToken.objects.update(generation=7, phase=RefreshPhase.IDLE, claim_id=None, next_refresh_at=later)
        return commit(*args, **kwargs)

    monkeypatch.setattr("auth_sessions.domain.refresh.refresher.commit", commit_after_consent)
    assert run(grant) == RefreshOutcome.SUPERSEDED
    assert (grant.generation, grant.access_token, grant.status) == (7, "access-token-1", TokenStatus.ACTIVE)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.SUPERSEDED


def test_tokens_that_come_after_the_lease_still_count(grant, platform, monkeypatch):
    platform.token.respond(json=token_answer(2))

    def commit_late(*args, **kwargs):
        UserToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        recover()
        assert UserToken.objects.get().phase == RefreshPhase.UNCERTAIN
        return commit(*args, **kwargs)

    monkeypatch.setattr("auth_sessions.domain.refresh.refresher.commit", commit_late)
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.phase) == ("access-token-2", RefreshPhase.IDLE)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.OK


def test_token_that_the_journal_knows_is_asked_about_once_and_never_sent_blindly(grant, platform):
    RefreshAttempt.objects.create(
        token=grant,
        generation=1,
        sent_at=timezone.now(),
        fingerprint=fingerprint("refresh-token-1"),
        outcome=RefreshOutcome.UNCERTAIN,
    )
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    assert (grant.phase, platform.token.call_count) == (RefreshPhase.UNCERTAIN, 0)
    make_due(grant)
    assert run(grant) == RefreshOutcome.DEAD_USER
    make_due(grant)
    run(grant)
    assert platform.token.call_count == 1


KEPT = {
    "none": {"refresh_token": "", "refresh_token_expires_in": 0},
    "none, but an end": {"refresh_token": None},
    "the same": {"refresh_token": "refresh-token-1"},
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("phase", [RefreshPhase.IDLE, RefreshPhase.UNCERTAIN])
def test_answer_without_a_new_refresh_token_keeps_the_old_one(grant, platform, values, phase):
    end = grant.refresh_expires_at
    UserToken.objects.update(phase=phase)
    platform.token.respond(json=token_answer(2, **values))
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.refresh_token) == ("access-token-2", "refresh-token-1")
    assert abs(grant.refresh_expires_at - end) < timedelta(minutes=1)
    assert timedelta(minutes=50) < grant.next_refresh_at - timezone.now() < timedelta(minutes=70)
    platform.token.respond(json=token_answer(3))
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK
    assert not RefreshAttempt.objects.get(generation=2).probe
    assert (grant.refresh_token, grant.generation) == ("refresh-token-3", 3)


def test_idle_grant_is_refreshed_daily_and_one_in_use_at_half_of_its_life(bot, platform):
    platform.token.respond(json=token_answer(2))
    now = timezone.now()
    due = {"next_refresh_at": now - timedelta(seconds=1)}
    idle = make_grant(bot, open_id="ou_idle", used_at=now - timedelta(hours=7), **due)
    used = make_grant(bot, open_id="ou_used", refresh_token="refresh-token-of-another", **due)
    Pass().run()
    idle.refresh_from_db()
    used.refresh_from_db()
    assert timedelta(hours=21) < idle.next_refresh_at - now < timedelta(hours=27)
    assert timedelta(minutes=50) < used.next_refresh_at - now < timedelta(minutes=70)


def test_keep_alive_never_waits_past_half_of_the_refresh_tokens_life(grant, platform):
    UserToken.objects.update(used_at=None)
    platform.token.respond(json=token_answer(2, refresh_token_expires_in=6 * 3600))
    run(grant)
    assert grant.next_refresh_at < timezone.now() + timedelta(hours=4)


def test_grants_are_refreshed_with_a_constant_number_of_queries_each(
    bot, platform, django_assert_max_num_queries
):
    platform.token.respond(json=token_answer(2))
    past = timezone.now() - timedelta(seconds=1)
    for number in range(8):
        make_grant(bot, open_id=f"ou_{number}", refresh_token=f"refresh-{number}", next_refresh_at=past)
    with django_assert_max_num_queries(8 * 18 + 20):
        assert Pass().run() == {RefreshOutcome.OK: 8}


def test_database_refuses_a_second_submission_of_the_same_refresh_token(grant):
    now = timezone.now()
    RefreshAttempt.objects.create(
        token=grant, generation=1, sent_at=now, fingerprint="same", outcome=RefreshOutcome.UNCERTAIN
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshAttempt.objects.create(token=grant, generation=1, sent_at=now, fingerprint="same")
    RefreshAttempt.objects.create(token=grant, generation=1, sent_at=now, fingerprint="same", probe=True)


def test_journal_holds_no_token(grant, platform):
    platform.token.respond(json=token_answer(2))
    run(grant)
    attempt = RefreshAttempt.objects.get()
    assert attempt.fingerprint
    assert "refresh-token" not in str(vars(attempt))


def test_access_that_cannot_be_refreshed_ends_in_a_new_consent(bot):
    over = timezone.now() - timedelta(seconds=1)
    grant = make_grant(
        bot,
        refresh_token="",
        next_refresh_at=None,
        access_expires_at=over,
        next_reminder_at=over + timedelta(days=335),
    )
    recover()
    grant.refresh_from_db()
    assert (grant.status, grant.next_reminder_at) == (TokenStatus.NEEDS_REAUTH, None)


def test_app_secret_that_does_not_open_costs_no_grant(grant, platform):
    with override_settings(ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        foreign = encrypted_field(Bot, "app_secret").seal_for(grant.bot, "app-secret")
    Bot.objects.update(app_secret=foreign)
    run(grant)
    assert not platform.token.called
    assert (grant.phase, grant.status, grant.last_outcome) == (
        RefreshPhase.IDLE,
        TokenStatus.ACTIVE,
        RefreshOutcome.NOT_SENT,
    )
    Bot.objects.update(app_secret=encrypted_field(Bot, "app_secret").seal_for(grant.bot, "app-secret"))
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK


def test_probe_of_a_worker_that_died_before_sending_it_is_still_a_probe(grant, platform):
    platform.token.mock(side_effect=[httpx.ReadTimeout("slow"), httpx.Response(200, json=token_answer(2))])
    run(grant)
    make_due(grant)
    died = RefreshAttempt.objects.create(token=grant, generation=grant.generation, probe=True)
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=died.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert run(grant) == RefreshOutcome.OK
    assert RefreshAttempt.objects.get(outcome=RefreshOutcome.OK).probe


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("server_error", RefreshOutcome.UNCERTAIN), ("invalid_grant", RefreshOutcome.UNCERTAIN)],
)
def test_unknown_code_is_uncertain(grant, platform, error, outcome):
    platform.token.mock(return_value=oauth_error(29999, error=error))
    assert run(grant) == outcome

"""What an answer that is not the platform's costs: never the grant, a probe at a time."""

from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession, RefreshAttempt, RefreshGate, UserToken
from core.access.models import AuditEntry
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.auth_sessions.domain.refresh.conftest import make_due, run
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx2.ConnectError("refused"), RefreshOutcome.NOT_SENT),
        (oauth_error(20050, status=500, error="server_error"), RefreshOutcome.REJECTED),
        (oauth_error(20072, status=503, error="temporarily_unavailable"), RefreshOutcome.REJECTED),
        (httpx2.Response(429, json={"code": 99991400, "msg": "slow down"}), RefreshOutcome.REJECTED),
        (oauth_error(20063), RefreshOutcome.REJECTED),
        (oauth_error(21000), RefreshOutcome.REJECTED),
    ],
    ids=["unreachable", "20050", "20072", "429", "20063", "21000"],
)
def test_refusal_that_does_not_use_the_token_up_is_tried_again_later(grant, platform, answer, outcome):
    platform.token.mock(side_effect=[answer, httpx2.Response(200, json=token_answer(2))])
    assert run(grant) == outcome
    assert (grant.status, grant.phase, grant.access_token) == (
        TokenStatus.ACTIVE,
        RefreshPhase.IDLE,
        "access-token-1",
    )
    assert grant.next_attempt_at > timezone.now()
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
        httpx2.Response(502, text="<html>bad gateway</html>"),
    ],
    ids=["timeout", "connection cut", "bare 502"],
)
def test_unknown_outcome_is_not_sent_again_while_the_access_token_is_valid(grant, platform, answer):
    platform.token.mock(side_effect=[answer, httpx2.Response(200, json=token_answer(2))])
    assert run(grant) == RefreshOutcome.UNCERTAIN
    assert (grant.phase, grant.status) == (RefreshPhase.UNCERTAIN, TokenStatus.ACTIVE)
    assert run(grant) is None
    assert grant.next_refresh_at == grant.access_expires_at
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK
    assert RefreshAttempt.objects.get(outcome=RefreshOutcome.OK).probe


GBK_PAGE = "<html><title>网关错误</title></html>".encode("gbk")


OUTAGES = {
    "bad gateway": httpx2.Response(502, html="<html><h1>502 Bad Gateway</h1></html>"),
    "gateway in JSON": httpx2.Response(503, json={"message": "no healthy upstream"}),
    "gateway with a code of its own": httpx2.Response(502, json={"code": 502, "msg": "upstream"}),
    "reset": httpx2.ReadError("Connection reset by peer"),
    "time-out": httpx2.ReadTimeout("slow"),
    "refused connection": httpx2.ConnectError("refused"),
    "redirect": httpx2.Response(302, headers={"Location": "https://login.corp.test/?ticket=s3cr3t"}),
    "redirect in JSON": httpx2.Response(307, json={"message": "moved"}),
    "proxy wants a password": httpx2.Response(407, html="<html>407</html>"),
    "sign-in page": httpx2.Response(200, html="<html>Sign in</html>"),
    "sign-in in JSON": httpx2.Response(200, json={"status": "login required"}),
    "page in GBK": httpx2.Response(200, content=GBK_PAGE, headers={"Content-Type": "text/html; charset=gbk"}),
    "nothing": httpx2.Response(200, content=b""),
    "forbidden": httpx2.Response(403, html="<html>blocked</html>"),
    "no such page": httpx2.Response(404, html="<html>404</html>"),
    "client refused": httpx2.Response(401, json={"error": "invalid_client"}),
    "client not authorized": httpx2.Response(400, json={"error": "unauthorized_client"}),
    "unknown code": httpx2.Response(400, json={"code": 29999, "error": "invalid_grant"}),
    "no code": httpx2.Response(400, json={"error": "invalid_grant"}),
    "busy": oauth_error(20072, status=503, error="temporarily_unavailable"),
}


# Minutes between passes: three hours, and those of a whole day.
HOURS = (10,) * 18
DAY = (*HOURS, *(30,) * 42)
# One of each kind lasts for a day.
LAST_A_DAY = {
    "gateway in JSON",
    "refused connection",
    "sign-in page",
    "client refused",
    "unknown code",
    "busy",
}


# What an answer means is no matter of the database; tests/…/test_state_machine.py is run on both.
@pytest.mark.only_on("postgres")
@pytest.mark.parametrize(
    ("outage", "pauses"),
    [(outage, DAY if name in LAST_A_DAY else HOURS) for name, outage in OUTAGES.items()],
    ids=OUTAGES,
)
def test_outage_costs_no_grant_and_no_card(bot, platform, time_machine, outage, pauses):
    time_machine.move_to(timezone.now(), tick=False)
    now = timezone.now()
    due = {"next_refresh_at": now, "next_reminder_at": now + timedelta(days=5)}
    # Of two apps: what pauses one says nothing of the other.
    in_use = make_grant(bot, **due)
    idle = make_grant(
        make_bot(),
        refresh_token="refresh-token-of-the-idle",
        access_expires_at=now - timedelta(hours=20),
        used_at=None,
        **due,
    )
    answer = {"side_effect": outage} if isinstance(outage, Exception) else {"return_value": outage}
    platform.token.mock(**answer)
    for minutes in pauses:
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
        Pass(seconds=0.5).run()
        remind_of_ends()
        time_machine.shift(timedelta(minutes=minutes))
    assert not AuthSession.objects.exists()
    platform.token.mock(return_value=httpx2.Response(200, json=token_answer(2)))
    for grant in (in_use, idle):
        grant.refresh_from_db()
        assert grant.status == TokenStatus.ACTIVE
        sent = RefreshAttempt.objects.filter(token=grant, sent_at__isnull=False)
        assert sent.count() > len(pauses) // 5
        assert sent.filter(outcome=RefreshOutcome.UNCERTAIN, probe=False).count() <= 1
        make_due(grant)
    RefreshGate.objects.update(probed_at=None)
    assert Pass().run() == {RefreshOutcome.OK: 2}
    for grant in (in_use, idle):
        grant.refresh_from_db()
        assert (grant.phase, grant.access_token) == (RefreshPhase.IDLE, "access-token-2")


def test_probes_come_with_growing_pauses_once_the_access_token_is_over(grant, platform):
    UserToken.objects.update(access_expires_at=timezone.now() - timedelta(seconds=1))
    platform.token.mock(side_effect=httpx2.ReadTimeout("slow"))
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
    platform.token.mock(side_effect=httpx2.ReadTimeout("slow"))
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


@pytest.mark.parametrize(
    ("answer", "status", "reason", "words"),
    [
        (httpx2.Response(502, html="<h1>Bad Gateway</h1>"), 502, "http", "text/html"),
        (OUTAGES["redirect"], 302, "redirected", "redirected to login.corp.test"),
        (OUTAGES["page in GBK"], 200, "malformed", "网关错误"),
        (OUTAGES["sign-in in JSON"], 200, "malformed", "login required"),
        (httpx2.ReadTimeout("slow"), None, "timeout", "ReadTimeout"),
        (httpx2.RemoteProtocolError("cut"), None, "broken", "RemoteProtocolError"),
        (OUTAGES["no such page"], 404, "no_endpoint", "404"),
        (OUTAGES["client refused"], 401, "client_refused", "invalid_client"),
        (oauth_error(20073), 400, "", "invalid_grant: refused"),
        (
            httpx2.Response(200, json={"code": 0, "at": "u-" + "x" * 40}),
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


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("server_error", RefreshOutcome.UNCERTAIN), ("invalid_grant", RefreshOutcome.UNCERTAIN)],
)
def test_unknown_code_is_uncertain(grant, platform, error, outcome):
    platform.token.mock(return_value=oauth_error(29999, error=error))
    assert run(grant) == outcome

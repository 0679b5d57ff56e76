"""Rows go when they have had their time, and stay while the portal needs them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh.claim import AlreadySubmitted, claim, fingerprint, mark_sending
from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.sessions import cancel_session, request_authorization
from auth_sessions.enums import Notice, RefreshOutcome, RefreshPhase, RevocationState, TokenStatus
from auth_sessions.models import (
    AgentConsent,
    AgentRegistration,
    AgentToken,
    Answered,
    AuthSession,
    Campaign,
    CampaignMember,
    ConnectedAgent,
    DeviceConsent,
    OperatorSignIn,
    RefreshAttempt,
    Revocation,
    SelfServiceLink,
    TokenUse,
    UserToken,
)
from auth_sessions.retention import overdue
from bots.enums import MailingState
from core.access.actors import SYSTEM
from core.database.batches import Deleted
from core.database.retention import count_overdue, prune
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot, generation=5)


def ago(days: float):
    return timezone.now() - timedelta(days=days)


def attempt(grant: UserToken, *, days: float, **values) -> RefreshAttempt:
    """One that was sent and ended well, unless ``values`` say otherwise."""
    at = ago(days)
    facts = {"claimed_at": at, "sent_at": at, "finished_at": at, "fingerprint": uuid4().hex}
    values = {"outcome": RefreshOutcome.OK, "generation": grant.generation - 1} | values
    return RefreshAttempt.objects.create(token=grant, **facts | values)


def kept(model) -> set[object]:
    assert all(deleted.is_all for deleted in prune(overdue()).values())
    return set(model.objects.values_list("pk", flat=True))


def of_agents(bot) -> None:
    """Of each kind one row that has had its time, and one that has not."""
    registration = AgentRegistration.objects.create(registered_at=ago(2))
    AgentRegistration.objects.create(registered_at=ago(2))
    for days in (61, 59):
        agent = ConnectedAgent.objects.create(
            registration=registration, redirect_host="x", bot=bot, open_id="ou_1", expires_at=ago(days)
        )
    for days in (0.1, -0.1):
        AgentToken.objects.create(digest=uuid4().hex, agent=agent, kind="refresh", expires_at=ago(days))
        AgentConsent.objects.create(
            registration=registration, bot=bot, is_redirect_named=True, expires_at=ago(days)
        )


def test_each_kind_of_row_goes_when_it_has_had_its_time(bot, grant, settings):
    settings.TOKEN_USE_DAYS, settings.AUTH_SESSION_DAYS = 90, 60
    settings.REFRESH_ATTEMPT_DAYS, settings.REVOCATION_DAYS, settings.CAMPAIGN_DAYS = 30, 365, 180
    for days in (91, 89):
        TokenUse.objects.create(bot=bot, caller="crm", kind="call", at=ago(days))
    for days in (31, 29):
        attempt(grant, days=days)
    for days in (61, 59):
        session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM, via="device")
        assert cancel_session(session, actor=SYSTEM)
        AuthSession.objects.filter(pk=session.pk).update(finished_at=ago(days))
    for days in (366, 364):
        Revocation.objects.create(grant=grant, actor="system:portal", at=ago(days), state="done")
    for days in (181, 179):
        finished_campaign(bot, days=days)
    for days in (1.1, 0.9):
        SelfServiceLink.objects.create(bot=bot, open_id="ou_1", token_hash=uuid4().hex, expires_at=ago(days))
    for days in (0.1, -0.1):
        OperatorSignIn.objects.create(bot=bot, state_hash=uuid4().hex, expires_at=ago(days))
    for days in (31, 29):
        Answered.objects.create(bot=bot, key=f"message:om_{days}", event_pk=1, at=ago(days))
    of_agents(bot)
    assert {kind: count.count for kind, count in count_overdue(overdue()).items()} == dict.fromkeys(
        overdue(), 1
    )
    assert prune(overdue()) == dict.fromkeys(overdue(), Deleted(1, is_all=True))
    left = (
        TokenUse,
        RefreshAttempt,
        AuthSession,
        DeviceConsent,
        Revocation,
        Campaign,
        CampaignMember,
        SelfServiceLink,
        OperatorSignIn,
        Answered,
        AgentConsent,
        AgentToken,
        ConnectedAgent,
        AgentRegistration,
    )
    assert [model.objects.count() for model in left] == [1] * len(left)


def test_open_session_stays_however_old_it_is(bot):
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    AuthSession.objects.update(created_at=ago(1000), expires_at=ago(999))
    assert kept(AuthSession) == {session.pk}


def finished_campaign(bot, *, days: float, **values) -> Campaign:
    values = {"state": MailingState.DONE, "finished_at": ago(days), "created_at": ago(days)} | values
    campaign = Campaign.objects.create(bot=bot, name="c", requested_by="system:portal", **values)
    CampaignMember.objects.create(mailing=campaign, bot=bot, kind="open_id", given="ou_1", target="ou_1")
    return campaign


@pytest.mark.parametrize(
    ("state", "days", "is_kept"), [("ready", 15, False), ("ready", 13, True), ("sending", 1000, True)]
)
def test_campaign_that_was_never_sent_goes_and_one_under_way_stays(bot, state, days, is_kept):
    campaign = finished_campaign(bot, days=days, state=state, finished_at=None)
    assert kept(Campaign) == ({campaign.pk} if is_kept else set())


# --- the journal of refreshes


@pytest.mark.parametrize(
    "outcome",
    ["", RefreshOutcome.UNCERTAIN, RefreshOutcome.DEAD_USER, RefreshOutcome.OK, RefreshOutcome.SUPERSEDED],
)
@pytest.mark.parametrize("grant_is", ["active", "stopped"])
def test_attempt_stays_while_the_grant_holds_the_refresh_token_it_may_have_used_up(grant, outcome, grant_is):
    if grant_is == "stopped":
        UserToken.objects.update(status=TokenStatus.NEEDS_REAUTH, phase=RefreshPhase.STOPPED)
    submitted = attempt(grant, days=1000, outcome=outcome, generation=grant.generation)
    last = attempt(grant, days=900, outcome=RefreshOutcome.NOT_SENT, generation=grant.generation)
    assert kept(RefreshAttempt) == {submitted.pk, last.pk}


@pytest.mark.parametrize(
    "outcome", [RefreshOutcome.NOT_SENT, RefreshOutcome.REJECTED, RefreshOutcome.DEAD_APP]
)
def test_attempt_that_left_its_refresh_token_usable_goes(grant, outcome):
    attempt(grant, days=1000, outcome=outcome, generation=grant.generation)
    last = attempt(grant, days=900, outcome=outcome, generation=grant.generation)
    assert kept(RefreshAttempt) == {last.pk}


def test_refresh_token_is_not_sent_again_after_its_attempt_has_had_its_time(bot, grant):
    """What the journal's index refuses, it refuses for as long as the grant holds that token."""
    held = fingerprint(grant.refresh_token)
    attempt(grant, days=1000, fingerprint=held, outcome=RefreshOutcome.UNCERTAIN, generation=grant.generation)
    attempt(grant, days=999, outcome=RefreshOutcome.NOT_SENT, generation=grant.generation)
    prune(overdue())
    UserToken.objects.update(next_refresh_at=timezone.now())
    [claimed] = claim(bot, [grant.pk])
    with pytest.raises(AlreadySubmitted):
        mark_sending(claimed, grant.refresh_token)


def test_claimed_attempt_stays(grant):
    claimed = attempt(grant, days=1000, sent_at=None, finished_at=None, fingerprint="", outcome="")
    UserToken.objects.update(claim_id=claimed.pk, phase=RefreshPhase.CLAIMED, lease_until=ago(999))
    last = attempt(grant, days=900)
    assert kept(RefreshAttempt) == {claimed.pk, last.pk}


def test_last_attempt_of_every_grant_stays(bot, grant):
    other = make_grant(bot, open_id="ou_other", generation=5)
    attempt(grant, days=1000)
    last = {attempt(grant, days=999).pk, attempt(other, days=1000).pk}
    assert kept(RefreshAttempt) == last


# --- revocations


@pytest.mark.parametrize(
    "values",
    [{"state": RevocationState.PENDING, "token": "u-token"}, {"state": "done", "notice": Notice.DUE}],
)
def test_revocation_stays_until_withdrawal_and_notice_are_done(grant, values):
    pending = Revocation.objects.create(grant=grant, actor="system:portal", at=ago(1000), **values)
    last = Revocation.objects.create(grant=grant, actor="system:portal", at=ago(900), state="done")
    assert kept(Revocation) == {pending.pk, last.pk}


def test_person_gets_no_second_notice_when_an_old_revocation_is_repeated(grant):
    first = revoke_later(grant=grant, actor=SYSTEM)
    Revocation.objects.update(at=ago(1000), state=RevocationState.DONE, token="", notice=Notice.SENT)
    prune(overdue())
    assert revoke_later(grant=grant, actor=SYSTEM) == first
    assert Revocation.objects.get().notice == Notice.SENT

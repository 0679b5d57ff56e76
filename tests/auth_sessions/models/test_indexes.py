"""Every index costs each write: here stands the statement that needs it."""

import uuid
from datetime import timedelta
from typing import Final

from django.utils import timezone

from auth_sessions.domain.agents.registration import overdue
from auth_sessions.enums import (
    Notice,
    RefreshOutcome,
    RefreshPhase,
    RevocationState,
    SessionState,
    TokenStatus,
)
from auth_sessions.models import (
    AgentAccess,
    AgentConsent,
    AgentToken,
    Answered,
    AuthSession,
    Campaign,
    CampaignMember,
    ConnectedAgent,
    DeviceConsent,
    OperatorAccount,
    OperatorSignIn,
    RefreshAttempt,
    Revocation,
    SelfServiceLink,
    TokenUse,
    UserToken,
)
from bots.enums import RecipientState
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()
NOW = timezone.now()

STATEMENTS: dict[str, Statement] = {
    # --- agents
    # Deleting a bot, an API client.
    "agentaccess.bot": lambda: AgentAccess.objects.filter(bot=ID),
    "agentaccess.client": lambda: AgentAccess.objects.filter(client=1),
    # Retention, and making room for one more.
    "agentregistration.registered_at": overdue,
    # The list in the console.
    "agent_newest": lambda: ConnectedAgent.objects.order_by("-connected_at", "-pk")[:100],
    # What a person connected, on their own page.
    "agent_of_person": lambda: ConnectedAgent.objects.live().filter(bot=ID, open_id="ou"),
    # Whether an agent is connected by a registration.
    "connectedagent.registration": lambda: ConnectedAgent.objects.filter(registration=ID),
    "connectedagent.expires_at": lambda: ConnectedAgent.objects.filter(expires_at__lt=NOW).order_by("expires_at"),
    # Deleting a registration, a bot, a connected agent.
    "agentconsent.registration": lambda: AgentConsent.objects.filter(registration=ID),
    "agentconsent.bot": lambda: AgentConsent.objects.filter(bot=ID),
    "agentconsent.agent": lambda: AgentConsent.objects.filter(agent=ID),
    # The person comes back from the platform; the agent redeems its code.
    "agentconsent.state_hash": lambda: AgentConsent.objects.filter(state_hash="h"),
    "agentconsent.code_hash": lambda: AgentConsent.objects.filter(code_hash="h"),
    "agentconsent.expires_at": lambda: AgentConsent.objects.filter(open_id="").order_by("expires_at"),
    # The end of an agent takes its tokens.
    "agenttoken.agent": lambda: AgentToken.objects.filter(agent=ID),
    "agenttoken.expires_at": lambda: AgentToken.objects.filter(expires_at__lt=NOW).order_by("expires_at"),
    # --- authorization sessions
    # Whether a command was answered before.
    "answered_once": lambda: Answered.objects.filter(bot=ID, key="k"),
    "answered.at": lambda: Answered.objects.filter(at__lt=NOW).order_by("at"),
    # The list in the console, and a bot's part of it.
    "session_newest": lambda: AuthSession.objects.order_by("-created_at", "-pk")[:100],
    "session_of_bot": lambda: AuthSession.objects.filter(bot=ID).order_by("-created_at", "-pk")[:20],
    # Whether a person was asked already.
    "session_of_person": lambda: AuthSession.objects.open().filter(bot=ID, open_id="ou").order_by("-created_at"),
    # The sweep: cards that show another state, sessions whose time is over, exchanges that were cut off.
    "session_card_untrue": lambda: AuthSession.objects.card_untrue().order_by("card_retry_at")[:1],
    "session_open": lambda: AuthSession.objects.overdue().order_by("expires_at"),
    "session_state_used": AuthSession.objects.interrupted,
    # Bots with failures on the first page, and a log ID in the search.
    "session_failed": lambda: AuthSession.objects.filter(state=SessionState.FAILED).order_by("-created_at")[:500],
    "session_by_age": lambda: AuthSession.objects.filter(finished_at__lt=NOW).order_by("finished_at"),
    # The same request once more.
    "session_once_per_request": lambda: AuthSession.objects.filter(bot=ID, request_key="k"),
    # Deleting an operator, an API client.
    "authsession.operator": lambda: AuthSession.objects.filter(operator=1),
    "authsession.client": lambda: AuthSession.objects.filter(client=1),
    # The link on the card, and the way back from the platform.
    "authsession.start_hash": lambda: AuthSession.objects.filter(start_hash="h"),
    "authsession.state_hash": lambda: AuthSession.objects.filter(state_hash="h"),
    "device_to_poll": lambda: DeviceConsent.objects.to_poll().order_by("next_poll_at")[:50],
    # A card's "My authorizations" replaces the last one; the link, and the page that it opened.
    "selfservicelink.bot": lambda: SelfServiceLink.objects.filter(bot=ID, open_id="ou", opened_at=None),
    "selfservicelink.token_hash": lambda: SelfServiceLink.objects.to_open().filter(token_hash="h"),
    "selfservicelink.browser_hash": lambda: SelfServiceLink.objects.open_pages().filter(browser_hash="h"),
    "selfservicelink.expires_at": lambda: SelfServiceLink.objects.filter(expires_at__lt=NOW).order_by("expires_at"),
    # --- campaigns
    "campaign_newest": lambda: Campaign.objects.order_by("-created_at", "-pk")[:100],
    "campaign_of_bot": lambda: Campaign.objects.filter(bot=ID).order_by("-created_at", "-pk"),
    "campaign_moving": lambda: Campaign.objects.moving().order_by("created_at")[:1],
    # Deleting an operator, an API client.
    "campaign.operator": lambda: Campaign.objects.filter(operator=1),
    "campaign.client": lambda: Campaign.objects.filter(client=1),
    # The walk: the next people of a campaign.
    "campaignmember_state": lambda: CampaignMember.objects.filter(mailing=ID, state=RecipientState.READY).order_by("pk")[:50],
    # An authorization counts for the campaigns that asked for it.
    "campaignmember_person": lambda: CampaignMember.objects.filter(bot=ID, target="ou", authorized_at__isnull=True),
    # Retention of sessions.
    "campaignmember.session": lambda: CampaignMember.objects.filter(session=ID),
    # --- operators who sign in by the platform
    "operator_account_of_one": lambda: OperatorAccount.objects.filter(bot=ID, tenant_key__in=("", "t"), open_id="ou"),
    "operator_account_once": lambda: OperatorAccount.objects.filter(bot=ID, user=1),
    "operatoraccount.user": lambda: OperatorAccount.objects.filter(user=1).order_by("linked_at"),
    # Deleting a bot, an operator.
    "operatorsignin.bot": lambda: OperatorSignIn.objects.filter(bot=ID).order_by(),
    "operatorsignin.user": lambda: OperatorSignIn.objects.filter(user=1),
    "operatorsignin.state_hash": lambda: OperatorSignIn.objects.filter(state_hash="h", session="s"),
    "operatorsignin.expires_at": lambda: OperatorSignIn.objects.filter(expires_at__lt=NOW).order_by("expires_at"),
    # --- grants
    # The list in the console, and a bot's part of it.
    "token_newest": lambda: UserToken.objects.order_by("-authorized_at", "-pk")[:100],
    "token_of_bot": lambda: UserToken.objects.filter(bot=ID).order_by("-authorized_at", "-pk")[:20],
    # Whose grant a call is to be made with.
    "token_of_person": lambda: UserToken.objects.filter(bot=ID, open_id="ou"),
    "token_of_union_id": lambda: UserToken.objects.filter(bot=ID, union_id="on"),
    "token_of_user_id": lambda: UserToken.objects.filter(bot=ID, user_id="u"),
    "token_of_email": lambda: UserToken.objects.filter(bot=ID, email="a@b.test"),
    # A consent is kept.
    "token_once_per_person": lambda: UserToken.objects.filter(bot=ID, tenant_key="t", open_id="ou"),
    # Refreshes: what is due, and what a process left that died.
    "token_refresh_due": lambda: UserToken.objects.due().order_by("next_refresh_at")[:1],
    "token_being_sent": lambda: RefreshAttempt.objects.filter(
        token__phase=RefreshPhase.SENDING, token__lease_until__lt=NOW
    ),
    "token_reminder_due": lambda: UserToken.objects.filter(next_reminder_at__lte=NOW).order_by("next_reminder_at")[:50],
    # Figures of the first page and of the metrics.
    "token_ending": lambda: UserToken.objects.ending_within(timedelta(days=7)),
    "token_by_status": lambda: UserToken.objects.filter(status=TokenStatus.NEEDS_REAUTH, bot__in=[ID]),
    "token_uncertain": lambda: UserToken.objects.filter(phase=RefreshPhase.UNCERTAIN),
    "attempt_of_token": lambda: RefreshAttempt.objects.filter(token=ID).order_by("-claimed_at")[:1],
    "attempt_by_age": lambda: RefreshAttempt.objects.filter(claimed_at__lt=NOW).order_by("claimed_at"),
    # Detection: grants that were lost lately.
    "attempt_refused": lambda: RefreshAttempt.objects.filter(outcome=RefreshOutcome.DEAD_USER, finished_at__gte=NOW),
    # Whether a refresh token was answered before.
    "attempt_by_fingerprint": lambda: RefreshAttempt.objects.filter(fingerprint="f").exclude(fingerprint=""),
    # The latest of a grant; the sweep; retention.
    "revocation_of_grant": lambda: Revocation.objects.filter(grant=ID).order_by("-at")[:1],
    "revocation_by_age": lambda: Revocation.objects.filter(at__lt=NOW).order_by("at"),
    "revocation_pending": lambda: Revocation.objects.filter(state=RevocationState.PENDING).order_by("next_attempt_at")[:1],
    "revocation_notice": lambda: Revocation.objects.filter(notice=Notice.DUE).order_by("notice_at")[:1],
    # Deleting an operator, an API client.
    "revocation.operator": lambda: Revocation.objects.filter(operator=1),
    "revocation.client": lambda: Revocation.objects.filter(client=1),
    # The list of uses, a bot's and a person's, and the search by who called.
    "use_by_age": lambda: TokenUse.objects.filter(at__lt=NOW).order_by("at"),
    "use_by_bot": lambda: TokenUse.objects.filter(bot=ID).order_by("-pk")[:100],
    "use_by_person": lambda: TokenUse.objects.filter(bot=ID, open_id="ou").order_by("-pk")[:20],
    "use_by_caller": lambda: TokenUse.objects.filter(caller="c").order_by("-pk")[:100],
}  # fmt: skip

ONE_PER: Final = {
    "campaignmember_once": "person of a campaign",
    "refresh_token_sent_once": "refresh token and submission, or probe that is under way",
}


def test_every_index_has_a_statement_that_needs_it():
    assert declared("auth_sessions").keys() == {*STATEMENTS, *ONE_PER}
    assert astray("auth_sessions", STATEMENTS) == []

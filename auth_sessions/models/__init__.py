"""The models of authorizations, one subject per file."""

from auth_sessions.models.agents import (
    MAX_AGENT_NAME,
    AgentAccess,
    AgentConsent,
    AgentRegistration,
    AgentToken,
    ConnectedAgent,
)
from auth_sessions.models.answered import Answered
from auth_sessions.models.campaigns import Campaign, CampaignMember
from auth_sessions.models.device_consents import DeviceConsent
from auth_sessions.models.operator_accounts import OperatorAccount, OperatorSignIn
from auth_sessions.models.refreshes import RefreshAttempt, RefreshGate
from auth_sessions.models.revocations import Revocation
from auth_sessions.models.self_service_links import SelfServiceLink
from auth_sessions.models.sessions import AuthSession
from auth_sessions.models.user_tokens import USED_WITHIN, UserToken
from auth_sessions.models.uses import TokenUse

__all__ = [
    "MAX_AGENT_NAME",
    "USED_WITHIN",
    "AgentAccess",
    "AgentConsent",
    "AgentRegistration",
    "AgentToken",
    "Answered",
    "AuthSession",
    "Campaign",
    "CampaignMember",
    "ConnectedAgent",
    "DeviceConsent",
    "OperatorAccount",
    "OperatorSignIn",
    "RefreshAttempt",
    "RefreshGate",
    "Revocation",
    "SelfServiceLink",
    "TokenUse",
    "UserToken",
]

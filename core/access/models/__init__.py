"""The nouns of access, a subject a file."""

from core.access.models.audit import AuditEntry
from core.access.models.clients import ApiClient, ApiClientQuerySet
from core.access.models.installation import DatabaseAnchor, Installation, KeyCanary
from core.access.models.operators import (
    Operators,
    OperatorSession,
    SetupLink,
    SignInAttempts,
    SignInMethod,
    User,
)
from core.access.models.second_factors import (
    MAX_FACTOR_NAME,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    TotpDevice,
)

__all__ = [
    "MAX_FACTOR_NAME",
    "ApiClient",
    "ApiClientQuerySet",
    "AuditEntry",
    "DatabaseAnchor",
    "Installation",
    "KeyCanary",
    "OperatorSession",
    "Operators",
    "Passkey",
    "PasskeyChallenge",
    "RecoveryCode",
    "SetupLink",
    "SignInAttempts",
    "SignInMethod",
    "TotpDevice",
    "User",
]

"""What follows where a secret is lost with its key: nothing may go on as if it were there."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import models
from django.utils import timezone

from auth_sessions.enums import RevocationState, SessionState, TokenStatus
from auth_sessions.models import (
    AgentConsent,
    AuthSession,
    DeviceConsent,
    OperatorSignIn,
    Revocation,
    UserToken,
)
from bots.enums import RegistrationState
from bots.models import Bot, Registration
from core.access.models import TotpDevice
from core.vault.loss import Consequence
from events.enums import SENDING, SubscriptionState
from events.models import Subscription
from feishu_portal.approvals.ending import end
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval

Rows = models.QuerySet[Any]


def _disable_bots(rows: Rows, field: str) -> None:
    if field == "app_secret":
        rows.update(enabled=False)


def _pause_subscriptions(rows: Rows, _field: str) -> None:
    rows.filter(state__in=SENDING).update(state=SubscriptionState.PAUSED)


def _end_grants(rows: Rows, _field: str) -> None:
    UserToken.objects.filter(pk__in=rows.values("pk")).exclude(status=TokenStatus.REVOKED).destroy_tokens(
        TokenStatus.NEEDS_REAUTH, next_reminder_at=None
    )


def _end_sessions(rows: Rows, _field: str) -> None:
    is_open = AuthSession.objects.open().filter(pk__in=rows.values("pk"))
    is_open.update(state=SessionState.EXPIRED, finished_at=timezone.now())


def _give_up_revocations(rows: Rows, _field: str) -> None:
    rows.update(state=RevocationState.GIVEN_UP, token="")


def _forget_codes(rows: Rows, _field: str) -> None:
    rows.update(device_code="", user_code="", verification_uri="", needs_code=False, next_poll_at=None)


def _end_registrations(rows: Rows, _field: str) -> None:
    Registration.objects.waiting().filter(pk__in=rows.values("pk")).end(RegistrationState.EXPIRED)


def _end_sign_ins(rows: Rows, _field: str) -> None:
    rows.delete()


def _remove_apps(rows: Rows, _field: str) -> None:
    """An app whose secret is lost accepts no code. Operators who have no other factor sign in by password again."""
    rows.delete()


def _end_approvals(rows: Rows, field: str) -> None:
    """A call that cannot be read is not sent. An answer that cannot be read is gone."""
    lost = CallApproval.objects.filter(pk__in=rows.values("pk"))
    if field == "call":
        end(lost.filter(state=ApprovalState.SENDING), ApprovalState.UNCERTAIN)
        end(lost.open(), ApprovalState.FAILED, problem="token_sealed")


CONSEQUENCES: Final[Mapping[type[models.Model], Consequence]] = {
    Bot: _disable_bots,
    Subscription: _pause_subscriptions,
    UserToken: _end_grants,
    AuthSession: _end_sessions,
    Revocation: _give_up_revocations,
    DeviceConsent: _forget_codes,
    Registration: _end_registrations,
    TotpDevice: _remove_apps,
    OperatorSignIn: _end_sign_ins,
    AgentConsent: _end_sign_ins,
    CallApproval: _end_approvals,
}

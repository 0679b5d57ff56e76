"""Every index costs each write: here stands the statement that needs it."""

import uuid

from django.utils import timezone

from core.access.models import (
    ApiClient,
    AuditEntry,
    OperatorSession,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SignInAttempts,
    TotpDevice,
    User,
)
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()
NOW = timezone.now()

STATEMENTS: dict[str, Statement] = {
    # The search among sent messages; every call of the REST API.
    "apiclient.name": lambda: ApiClient.objects.filter(name="n"),
    "apiclient.key_hash": lambda: ApiClient.objects.usable().with_key("k"),
    # Signing in.
    "user.username": lambda: User.objects.filter(username="n"),
    "signinattempts.last_at": lambda: SignInAttempts.objects.filter(last_at__lt=NOW).order_by("last_at"),
    # Retention, and making room for strangers; an operator's browsers.
    "operatorsession.expire_date": lambda: OperatorSession.objects.filter(expire_date__lt=NOW).order_by("expire_date"),
    "operatorsession.user": lambda: OperatorSession.objects.filter(user=1).order_by("-seen_at"),
    # The audit log, newest first, by what its filters and its search ask for.
    "audit_by_bot": lambda: AuditEntry.objects.filter(bot_id__in=[ID]).order_by("-pk")[:100],
    "audit_by_action": lambda: AuditEntry.objects.filter(action="a").order_by("-pk")[:100],
    "audit_by_operator": lambda: AuditEntry.objects.filter(operator=1).order_by("-pk")[:100],
    "audit_by_app_id": lambda: AuditEntry.objects.filter(app_id="cli"),
    "audit_by_target": lambda: AuditEntry.objects.filter(target="t"),
    "audit_by_actor": lambda: AuditEntry.objects.filter(actor="a"),
    "audit_by_address": lambda: AuditEntry.objects.filter(address="::1"),
    "auditentry.at": lambda: AuditEntry.objects.filter(at__lt=NOW).order_by("at"),
    # Deleting an API client.
    "auditentry.client": lambda: AuditEntry.objects.filter(client=1),
    # An operator's factors; apps without a first code.
    "totpdevice.user": lambda: TotpDevice.objects.filter(user=1, confirmed_at__isnull=False),
    "totpdevice.confirmed_at": lambda: TotpDevice.objects.filter(confirmed_at=None, created_at__lt=NOW),
    "passkey.user": lambda: Passkey.objects.filter(user=1),
    "passkey.credential_id": lambda: Passkey.objects.filter(credential_id="c"),
    "challenge_of_session": lambda: PasskeyChallenge.objects.filter(session="s", purpose="p"),
    # Making room for strangers, and deleting an operator.
    "passkeychallenge.user": lambda: PasskeyChallenge.objects.filter(user=None).order_by("expires_at"),
    "passkeychallenge.expires_at": lambda: PasskeyChallenge.objects.filter(expires_at__lt=NOW).order_by("expires_at"),
    "recovery_code_once": lambda: RecoveryCode.objects.filter(user=1, digest="d", used_at=None),
}  # fmt: skip


def test_every_index_has_a_statement_that_needs_it():
    assert declared("access").keys() == STATEMENTS.keys()
    assert astray("access", STATEMENTS) == []

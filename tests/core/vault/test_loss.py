"""A key is lost: the portal starts over without what it sealed, and with everything else."""

import io
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import RevocationState, SessionState, TokenStatus
from auth_sessions.models import AuthSession, Revocation, UserToken
from bots.enums import RegistrationState
from bots.models import Bot, Registration
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.vault import canary
from core.vault.rotation import encrypted_columns
from events.enums import SubscriptionState
from events.models import Event, Subscription
from feishu_portal.runtime.lost_keys import CONSEQUENCES
from tests.events.handler_runs import stored_event
from tests.factories import make_bot, make_grant, make_operator, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *_arguments: None)


@pytest.fixture
def lost(settings) -> Bot:
    """A bot with all that hangs on it, sealed with a key that is gone."""
    canary.create_canary()
    bot = make_bot(encrypt_key="key", verification_token="token")
    stored_event(bot=bot)
    make_grant(bot)
    revoke_later(grant=make_grant(bot, open_id="ou_2"), actor=SYSTEM)
    request_authorization(bot=bot, open_id="ou_3", tenant_key="tenant", actor=SYSTEM)
    make_subscription(bot)
    now = timezone.now()
    Registration.objects.create(
        operator=make_operator("scanning"),
        device_code="code",
        address="https://platform.test/scan",
        interval=5,
        next_poll_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return bot


def discard(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotatekeys", "--discard-unreadable", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_portal_starts_again_with_its_bots_events_and_audit_log(lost):
    out = discard("--yes")
    assert "1 bots.bot.app_secret discarded" in out
    for to_do in (
        "App Secret again",
        "need these again",
        "authorize again",
        "new signing secret",
    ):
        assert to_do in out
    canary.verify_keys()
    [bot] = Bot.objects.all()
    assert (bot.enabled, bot.app_secret, bot.encrypt_key) == (False, "", "")
    assert {grant.status for grant in UserToken.objects.all()} == {
        TokenStatus.NEEDS_REAUTH,
        TokenStatus.REVOKED,
    }
    assert Revocation.objects.get().state == RevocationState.GIVEN_UP
    assert AuthSession.objects.get().state == SessionState.EXPIRED
    assert Subscription.objects.get().state == SubscriptionState.PAUSED
    assert Registration.objects.get().state == RegistrationState.EXPIRED
    assert Event.objects.count() == 1
    assert AuditEntry.objects.get(action="keys.unreadable_discarded").detail["bots.bot.app_secret"] == 1
    call_command("rotatekeys", stdout=io.StringIO(), stderr=io.StringIO())


def test_what_opens_is_kept(lost):
    other = make_bot(app_secret="written with the new key")
    grant = make_grant(other, open_id="ou_9")
    discard("--yes")
    other = Bot.objects.get(pk=other.pk)
    assert (other.enabled, other.app_secret) == (True, "written with the new key")
    assert UserToken.objects.get(pk=grant.pk).status == TokenStatus.ACTIVE


@pytest.mark.parametrize("answer", ["", "yes\n"])
def test_nothing_is_discarded_unasked(lost, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(CommandError, match="Nothing was changed"):
        discard()
    assert Bot.objects.filter(enabled=True).exists()


def test_dry_run_names_what_is_lost(lost):
    with pytest.raises(CommandError, match="open with none"):
        discard("--dry-run")
    assert Bot.objects.filter(enabled=True).exists()


def test_every_model_with_a_secret_has_a_consequence():
    models = {column.model for column in encrypted_columns()}
    assert {model.__name__ for model in models - CONSEQUENCES.keys()} == {"KeyCanary"}
